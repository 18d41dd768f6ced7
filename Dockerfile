# One image for web, worker and scheduler. `compose.yaml` shows how they fit together.
FROM python:3.13-slim

RUN useradd --system --create-home --home-dir /portal portico
WORKDIR /portal
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements.txt
COPY --chown=portico . .
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation --editable . && chown portico /portal
USER portico
ENTRYPOINT ["portal"]
