"""Service users, catalog, demo project and user, in one process (the openstack CLI costs 1 to 2 s a call).

Everything is looked for first: it may be run again after it was cut off.
"""
import openstack

PASSWORD = 'secret'
cloud = openstack.connect(cloud='admin')
identity = cloud.identity


def one(items, make, **match):
    """The item of items with the attributes match, else what make(**match) returns."""
    for item in items:
        if all(getattr(item, k) == v for k, v in match.items()):
            return item
    return make(**match)


def project(name):
    return one(identity.projects(domain_id='default'), identity.create_project, name=name, domain_id='default')


def user(name, **more):
    return one(identity.users(domain_id='default'), lambda **m: identity.create_user(password=PASSWORD, **m, **more),
               name=name, domain_id='default')


service_project, demo = project('service'), project('demo')
admin, member, service = (one(identity.roles(), identity.create_role, name=n) for n in ('admin', 'member', 'service'))
for name in ('nova', 'neutron', 'glance', 'placement'):
    for role in (admin, service):
        identity.assign_project_role_to_user(service_project, user(name), role)
for name, kind, url in (('nova', 'compute', 'http://127.0.0.1:8774/v2.1'), ('neutron', 'network', 'http://127.0.0.1:9696'),
                        ('glance', 'image', 'http://127.0.0.1:9292'), ('placement', 'placement', 'http://127.0.0.1:8778')):
    entry = one(identity.services(), identity.create_service, name=name, type=kind)
    for interface in ('public', 'internal', 'admin'):
        one(identity.endpoints(service_id=entry.id), identity.create_endpoint,
            service_id=entry.id, interface=interface, url=url, region_id='RegionOne')
# demo is a plain member: what havip needs must do without admin
identity.assign_project_role_to_user(demo, user('demo', default_project_id=demo.id), member)
