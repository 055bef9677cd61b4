#!/usr/bin/env bash
# Makes stand-ins of the two base images for where none can be pulled: the same Debian, Python, PostgreSQL and paths, from
# the mirror that this machine's apt knows. As root, with debootstrap:
#
#   tests/containers/stand_ins.sh [docker|podman]
#
# They are called `stand-in-python` and `stand-in-postgres`, with the originals' tags. Builds in them reach what this machine
# reaches: pip's settings and the certificates that this machine trusts go along.
set -euo pipefail
engine=${1:-docker}
release=bookworm
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" 'Component: main' | head -n 1)
[ -n "$mirror" ] || { echo "apt knows no mirror of Debian's $release" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian with some packages, and without what slim images leave out.
system() {
  local root=$1 packages=$2
  debootstrap --variant=minbase --include="$packages" "$release" "$root" "$mirror" >"$work/log" || { tail "$work/log" >&2; exit 1; }
  # The release alone has no mends: what apt in there is to find is what this machine's finds.
  cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/" 2>/dev/null && : >"$root/etc/apt/sources.list"
  find "$root"/usr/share/{doc,man,locale,info} "$root"/var/{cache/apt,lib/apt/lists,log} -type f ! -name copyright -delete
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
}

image() {
  local root=$1 name=$2
  shift 2
  tar --create --directory="$root" --numeric-owner . | "$engine" import --change 'ENV LANG=C.UTF-8' "$@" - "$name"
}

# As in python:3.11-slim-bookworm: `python` and `pip` in /usr/local/bin, and nothing compiled.
system "$work/python" ca-certificates,netbase,python3,python3-pip,python3-venv
find "$work/python/usr/lib" -name __pycache__ -prune -exec rm -r {} +
for name in python pip; do
  ln -s "/usr/bin/${name}3" "$work/python/usr/local/bin/$name"
done
settings=(--change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'CMD ["python"]')
while IFS='=' read -r name value; do
  settings+=(--change "ENV $name=$value")
done < <(env | grep -E '^PIP_(CERT|INDEX_URL|DEFAULT_TIMEOUT)=' || true)
image "$work/python" stand-in-python:3.11-slim-bookworm "${settings[@]}"

# As in postgres:15-bookworm: what it documents of its start.
system "$work/postgres" ca-certificates,postgresql-15
install -m 755 "$here/postgres.sh" "$work/postgres/usr/local/bin/docker-entrypoint.sh"
image "$work/postgres" stand-in-postgres:15-bookworm \
  --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin' \
  --change 'ENV PGDATA=/var/lib/postgresql/data' \
  --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
  --change 'VOLUME ["/var/lib/postgresql/data"]' \
  --change 'CMD ["postgres"]'
