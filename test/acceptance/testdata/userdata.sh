#!/bin/sh
# A web server that names its server, from systemd alone: what curl shows is
# who answers.
cat >/etc/systemd/system/whoami.socket <<'X'
[Socket]
ListenStream=80
Accept=yes
MaxConnections=256
TriggerLimitIntervalSec=0
[Install]
WantedBy=sockets.target
X
cat >/etc/systemd/system/whoami@.service <<'X'
[Service]
ExecStart=/usr/local/bin/whoami-http
StandardInput=socket
X
cat >/usr/local/bin/whoami-http <<'X'
#!/bin/sh
while IFS= read -r line && [ "$line" != "$(printf '\r')" ]; do :; done
printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n%s\n' "$(hostname)"
X
chmod 755 /usr/local/bin/whoami-http
systemctl daemon-reload
systemctl enable --now whoami.socket
