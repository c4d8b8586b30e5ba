"""Asks Nova and Neutron which of their workers report: one line "NAME up|down" each, exit status 1 if one is down.

agents.py BACKEND [SINCE]: a report older than SINCE (seconds since 1970) is one of an earlier process.
"""
import datetime
import json
import sys
import urllib.request

BACKEND, SINCE = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url, body=None, **headers):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request('http://127.0.0.1:' + url, data, {'Content-Type': 'application/json', **headers})
    with OPENER.open(request, timeout=20) as answer:
        return json.load(answer), answer.headers


def epoch(text):
    return datetime.datetime.fromisoformat(text.rstrip('Z')[:19]).replace(tzinfo=datetime.timezone.utc).timestamp()


domain = {'id': 'default'}
_, headers = call('5000/v3/auth/tokens', {'auth': {
    'identity': {'methods': ['password'], 'password': {'user': {'name': 'admin', 'domain': domain, 'password': 'secret'}}},
    'scope': {'project': {'name': 'admin', 'domain': domain}}}})
token = {'X-Auth-Token': headers['X-Subject-Token']}

expected = {'nova-conductor': 0, 'nova-scheduler': 0, 'nova-compute': 0}
for s in call('8774/v2.1/os-services', **token)[0]['services']:
    expected[s['binary']] = s['state'] == 'up' and s['updated_at'] and epoch(s['updated_at']) >= SINCE
# the agent's type is that of a gateway or not, depending on which column Neutron reads; its program is ovn-controller
neutron = {'ovn': ['ovn-controller'],
           'linuxbridge': ['neutron-linuxbridge-agent', 'neutron-l3-agent', 'neutron-dhcp-agent']}[BACKEND]
expected.update(dict.fromkeys(neutron, 0))
for a in call('9696/v2.0/agents', **token)[0]['agents']:
    expected[a['binary']] = a['alive'] and (BACKEND == 'ovn' or epoch(a['heartbeat_timestamp']) >= SINCE)
for name, up in expected.items():
    print(name, 'up' if up else 'down')
sys.exit(not all(expected.values()))
