FROM python:3.11-slim AS requirements
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COMMERCECORE_STATE_DIR=/var/lib/commercecore \
    STATIC_ROOT=/app/static \
    BIND_ADDRESS=0.0.0.0 \
    PORT=8000
RUN useradd --system --uid 10001 --no-create-home commercecore \
    && install -d -o commercecore -m 700 /var/lib/commercecore
WORKDIR /app
COPY --from=requirements /opt/venv /opt/venv
COPY . .
# The secrets that are generated on the way stay out of the image: every deployment makes its own.
RUN COMMERCECORE_STATE_DIR=/tmp/build python manage.py collectstatic --noinput && rm -rf /tmp/build
USER commercecore
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-m", "commercecore_payments.healthcheck"]
# gunicorn's workers tell by a file that they are alive; in memory, so that a slow disk kills none of them.
CMD ["gunicorn", "--config", "gunicorn.conf.py", "--worker-tmp-dir", "/dev/shm"]
