#!/bin/sh
# Takes Cowboy from Debian's RabbitMQ, which is built on it, without installing that server.
set -e
apt-get download rabbitmq-server
dpkg-deb --fsys-tarfile rabbitmq-server_*.deb |
	tar -x --wildcards --strip-components=7 '*/plugins/cow*' '*/plugins/ranch-*' '*/plugins/jsx-*'
rm rabbitmq-server_*.deb
erlc "$1"
for folder in cowboy-*; do echo "${folder#cowboy-}"; done >version
