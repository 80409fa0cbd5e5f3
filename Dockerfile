# The tag of the base image is not pinned by its digest: `docker buildx imagetools inspect python:3.11-slim` tells today's, and
# `--build-arg PYTHON=python:3.11-slim@sha256:…` takes it.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS requirements
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
# Wheels alone: nothing is compiled, so no build tools are needed, and no package's own code runs while it is installed.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    -r /tmp/requirements.txt \
    && /opt/venv/bin/pip uninstall --yes pip

FROM ${PYTHON}
LABEL org.opencontainers.image.title="CommerceCore Payments" \
      org.opencontainers.image.description="A payment service over Stripe Connect that a marketplace runs for itself"
# DRAIN_S: two probes of a load balancer that asks every five seconds (docs/deployment.md).
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COMMERCECORE_STATE_DIR=/var/lib/commercecore \
    STATIC_ROOT=/app/static \
    BIND_ADDRESS=0.0.0.0 \
    PORT=8000 \
    DRAIN_S=10
RUN useradd --system --uid 10001 --no-create-home commercecore \
    && install -d -o commercecore -m 700 /var/lib/commercecore
WORKDIR /app
COPY --from=requirements /opt/venv /opt/venv
# Root's own, and nobody else's to write: the service needs /var/lib/commercecore and /tmp alone, and runs with --read-only.
COPY . .
# The secrets that are generated on the way stay out of the image: every deployment makes its own.
RUN COMMERCECORE_STATE_DIR=/tmp/build python manage.py collectstatic --noinput && rm -rf /tmp/build
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Whether the process lives. Whether it shall be sent requests is another question, and /readyz another answer.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-m", "commercecore_payments.healthcheck"]
# gunicorn's workers tell by a file that they are alive; in memory, so that a slow disk kills none of them.
CMD ["gunicorn", "--config", "gunicorn.conf.py", "--worker-tmp-dir", "/dev/shm"]
