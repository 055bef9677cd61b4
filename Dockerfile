# One image for the Prefect server, for deploying and for the workers: they need the same Prefect, and the same program. No key
# goes into it; `.dockerignore` lets nothing in that is not named there.

# What stands under a tag changes; a digest does not: docs/OPERATIONS.md, “The same in containers”.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off
# For `leave_out.py`; nothing of it goes on.
RUN apt-get update && apt-get install --yes --no-install-recommends binutils patchelf
WORKDIR /srv/llm-usage
COPY requirements-run.lock requirements-build.lock /
# What the program needs, held against hashes. No pip in there: nothing is installed into it later.
RUN python -m venv --without-pip .venv && pip --python .venv/bin/python install --no-compile \
    --only-binary=:all: --require-hashes --requirement /requirements-run.lock
# Apart from it, what makes the program's wheel; the wheel then brings nothing along.
RUN python -m venv --without-pip /build && pip --python /build/bin/python install \
    --only-binary=:all: --require-hashes --requirement /requirements-build.lock
COPY . /checkout
RUN cd /checkout && /build/bin/python -m hatchling build --target wheel --directory /wheel \
    && pip --python /srv/llm-usage/.venv/bin/python install --no-compile --no-index --no-deps /wheel/*.whl
RUN python /checkout/containers/leave_out.py .venv

# Debian without what installs, logs in and repairs.
FROM ${PYTHON_IMAGE} AS system
# A number, because files with keys have to be made readable for it on the host. Volumes take over the owner of the
# folder that they are put on.
RUN useradd --uid 10001 --create-home --home-dir /var/lib/llm-usage llm-usage \
    && install --directory --owner=llm-usage --group=llm-usage \
    /var/lib/llm-usage/.prefect /var/lib/llm-usage/results /var/lib/llm-usage/archive
COPY containers/leave_out_of_system.sh /tmp/
RUN sh /tmp/leave_out_of_system.sh && rm /tmp/leave_out_of_system.sh

# Made anew from what is left: a layer on the base image would only hide the rest.
FROM scratch AS image
COPY --from=system / /
WORKDIR /srv/llm-usage
COPY --from=build /srv/llm-usage/.venv .venv
# A container compiles what it loads when it first loads it, and keeps that for as long as it is there: 60 MB less to carry.
ENV PATH=/srv/llm-usage/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 PYTHONPYCACHEPREFIX=/var/lib/llm-usage/compiled PYTHONUNBUFFERED=1
USER 10001
CMD ["llm-usage", "--help"]

# What has become of it: every module, then all of its work against stand-ins; by a user who may not write there.
FROM image AS tried
COPY --from=build /checkout/prefect.toml ./
COPY --from=build /checkout/containers/try_out.py /srv/
# `LD_BIND_NOW`: a library that lacks a function is not loaded at all.
RUN LD_BIND_NOW=1 python /srv/try_out.py && llm-usage demo

FROM image
# Prefect reads it from the folder that it is started in. By way of what was tried, so that no builder leaves that out.
COPY --from=tried /srv/llm-usage/prefect.toml ./
