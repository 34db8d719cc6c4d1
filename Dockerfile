# sockproof and Locust, for masters and workers: docker build --tag sockproof:0.1.0 .
# The entrypoint is Locust's and the scenario is expected at /home/locust/locustfile.py, as in
# Locust's own image, so that its Kubernetes operator can run this one.
# python:3.11.14-slim-bookworm has wheels for all that is installed: nothing is compiled.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY . .
ENV PATH=/opt/sockproof/bin:$PATH PIP_CONSTRAINT=/build/constraints.txt
RUN python -m venv /opt/sockproof && \
    pip install --no-cache-dir --disable-pip-version-check . && \
    pip uninstall --yes setuptools pip

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --create-home locust && \
    install --directory --owner=locust --group=locust /results
COPY --from=build /opt/sockproof /opt/sockproof
# /home/locust is read-only where a ConfigMap is mounted over it: caches are in /tmp.
ENV PATH=/opt/sockproof/bin:$PATH PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
# The number, which Kubernetes can tell from root's (runAsNonRoot).
USER 10001:10001
WORKDIR /home/locust
VOLUME ["/results"]
EXPOSE 5557 5558 8089
ENTRYPOINT ["locust"]
