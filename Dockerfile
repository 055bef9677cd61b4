# One image for the Prefect server, for deploying and for the workers: they need the same Prefect, and the same code in
# the same folder. No key goes into it; `.dockerignore` lets nothing in that is not named there.

# What stands under a tag changes; a digest does not: docs/OPERATIONS.md, “The same in containers”.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /srv/llm-usage
COPY requirements.lock ./
# All that the lock file names, held against its hashes. It names the tools of the tests, too …
RUN pip download --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes \
    --dest /wheels --requirement requirements.lock
COPY . .
# … so that what the program needs is picked from there, and nothing from anywhere else.
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --find-links /wheels --editable .

FROM ${PYTHON_IMAGE}
# A number, because files with keys have to be made readable for it on the host. Volumes take over the owner of the
# folder that they are put on.
RUN useradd --uid 10001 --create-home --home-dir /var/lib/llm-usage llm-usage \
    && install --directory --owner=llm-usage --group=llm-usage \
    /var/lib/llm-usage/.prefect /var/lib/llm-usage/results /var/lib/llm-usage/archive
WORKDIR /srv/llm-usage
COPY --from=build /srv/llm-usage ./
ENV PATH=/srv/llm-usage/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
CMD ["llm-usage", "--help"]
