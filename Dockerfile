# The service in one image. It holds no secret and no address: all of that comes from the environment when it runs.
# Build: docker build --tag thinkcarer:0.1.0 .
# Run:   docs/deploy.md, and docker-compose.yml for everything around it.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/thinkcarer
WORKDIR /build
# The packages before the code, so that a change of the code alone does not fetch them again.
COPY requirements.lock ./
RUN /opt/thinkcarer/bin/python -m pip install --require-hashes --only-binary :all: -r requirements.lock
COPY . ./
RUN /opt/thinkcarer/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/thinkcarer/bin/thinkcarer --help >/dev/null

FROM python:3.11-slim-bookworm
# A fixed number, so that volumes and orchestrators can name it; no shell, no home.
RUN groupadd --gid 10001 thinkcarer \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin thinkcarer \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/thinkcarer /opt/thinkcarer
ENV PATH=/opt/thinkcarer/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    THINKCARER_DATABASE_URL=sqlite:////data/thinkcarer.db \
    THINKCARER_HTTP_ADDRESS=0.0.0.0:8000 \
    THINKCARER_MLLP_ADDRESS=0.0.0.0:2575 \
    THINKCARER_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
# Nothing else is written, but for passing files in /tmp: run it with --read-only --tmpfs /tmp.
VOLUME /data
EXPOSE 2575 8000
STOPSIGNAL SIGTERM
# "live" and not "ready": where an unhealthy container is replaced, replacing it mends a process that hangs and not a database
# that is away. A load balancer asks /health/ready. `listen`, `work` and `deliver` have no HTTP: start these with --no-healthcheck.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["thinkcarer"]
CMD ["run"]
