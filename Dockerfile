# strategy-bank over HTTP, for clients that share one bank:
#
#   docker build -t strategy-bank .
#   docker run -p 127.0.0.1:8765:8765 -v strategies:/bank -e STRATEGY_BANK_HTTP_TOKEN strategy-bank
#
# Clients reach it at http://localhost:8765/mcp with the token. Other host names: -e STRATEGY_BANK_HTTP_HOSTS=bank.example

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY server ./server
COPY tools ./tools
COPY store ./store
COPY examples ./examples
RUN python -m venv /opt/strategy-bank && /opt/strategy-bank/bin/pip install --no-cache-dir '.[llm]'

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home bank && install --directory --owner bank --mode 0700 /bank
COPY --from=build /opt/strategy-bank /opt/strategy-bank
ENV PATH="/opt/strategy-bank/bin:$PATH" STRATEGY_BANK_HOME="/bank" STRATEGY_BANK_HTTP_HOSTS="localhost"
USER 10001
VOLUME /bank
EXPOSE 8765
HEALTHCHECK --start-period=20s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8765/healthz', timeout=5)"]
ENTRYPOINT ["strategy-bank"]
CMD ["serve", "--http", "--host", "0.0.0.0"]
