"""Flavor, image, external network, and the application credential of demo, whose id goes to the file named by the argument.

Everything is looked for first: it may be run again after it was cut off.
"""
import sys

import openstack

admin, demo = openstack.connect(cloud='admin'), openstack.connect(cloud='demo')
if not admin.compute.find_flavor('m1.tiny'):
    admin.compute.create_flavor(name='m1.tiny', ram=256, vcpus=1, disk=1)
image = admin.image.find_image('debian')
if image and image.status != 'active':
    admin.image.delete_image(image.id)
    image = None
if not image:  # the driver takes its own folder for every image; Nova wants one to name
    admin.image.create_image(name='debian', disk_format='raw', container_format='bare', visibility='public',
                             data=b'\0' * 65536, allow_duplicates=True)
public = admin.network.find_network('public') or admin.network.create_network(
    name='public', is_router_external=True, provider_network_type='flat', provider_physical_network='physext')
for name, version, cidr, gateway, first, last in (
        ('public-v4', 4, '203.0.113.0/24', '203.0.113.1', '203.0.113.100', '203.0.113.250'),
        ('public-v6', 6, '2001:db8:203::/64', '2001:db8:203::1', '2001:db8:203::100', '2001:db8:203::fff')):
    admin.network.find_subnet(name) or admin.network.create_subnet(
        network_id=public.id, name=name, ip_version=version, cidr=cidr, gateway_ip=gateway, is_dhcp_enabled=False,
        allocation_pools=[{'start': first, 'end': last}])
for old in demo.identity.application_credentials(demo.current_user_id):
    if old.name == 'havip':
        demo.identity.delete_application_credential(demo.current_user_id, old)
credential = demo.identity.create_application_credential(demo.current_user_id, name='havip', secret='appsecret', unrestricted=False)
with open(sys.argv[1], 'w') as f:
    f.write(credential.id)
