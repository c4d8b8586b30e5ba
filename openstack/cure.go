package openstack

import "net/http"

// cure is what to do about a refusal. The types are Neutron's exceptions
// (neutron_lib.exceptions and neutron.extensions).
func cure(e *Error) string {
	switch e.Type {
	case "OverQuota":
		return "see what is used with: openstack quota show --usage; free some or ask the cloud's operators for more"
	case "AddressPairAndPortSecurityRequired":
		return "switch port security on: openstack port set --enable-port-security " + e.Object
	case "AllowedAddressPairExhausted":
		return "take unneeded allowed address pairs off the port: openstack port show " + e.Object
	case "ExternalGatewayForFloatingIPNotFound":
		return "connect the VIP's subnet to a router that has its gateway in the floating IP's network"
	case "IpAddressGenerationFailure", "IpAddressGenerationFailureNoMatchingSubnet":
		return "the subnet's allocation pools are used up: free an address, or name one outside of the pools"
	case "IpAddressInUse", "IpAddressAlreadyAllocated":
		return "see who has it with: openstack port list --fixed-ip ip-address=ADDRESS"
	case "SecurityGroupInUse":
		return "see who uses it with: openstack port list --security-group " + e.Object
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return "check user, password and the domains of user and project, or whether the token or application credential has expired"
	case http.StatusForbidden:
		return "your role in this project does not allow it: ask the cloud's operators, naming the rule above"
	case http.StatusPreconditionFailed:
		return "somebody else changed it at the same time: run the command again"
	case http.StatusTooManyRequests:
		return "the cloud limits the rate of requests: wait a little and run the command again"
	case http.StatusInternalServerError:
		again := "the cloud failed: run the command again, and if that does not help ask its operators"
		if e.RequestID != "" {
			again += ", naming the request " + e.RequestID
		}
		return again
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "the cloud is in trouble: run the command again later"
	}
	return ""
}
