package openstacktest

import (
	"crypto/md5" // as Nova's fingerprints
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// keypair is a user's public key.
type keypair struct {
	UserID, Name, PublicKey string
}

func (k keypair) body() object {
	print := ""
	if fields := strings.Fields(k.PublicKey); len(fields) > 1 {
		if key, err := base64.StdEncoding.DecodeString(fields[1]); err == nil {
			sum := md5.Sum(key)
			var parts []string
			for _, b := range sum {
				parts = append(parts, fmt.Sprintf("%02x", b))
			}
			print = strings.Join(parts, ":")
		}
	}
	return object{"name": k.Name, "public_key": k.PublicKey, "fingerprint": print, "type": "ssh", "user_id": k.UserID, "id": k.Name}
}

func listKeypairs(r *request) (answer, error) {
	out := []object{}
	for _, k := range r.s.keypairs.all() {
		if k.UserID == r.who.UserID {
			out = append(out, object{"keypair": k.body()})
		}
	}
	if m := r.URL.Query().Get("marker"); m != "" {
		at := slices.IndexFunc(out, func(o object) bool { return o["keypair"].(object)["name"] == m })
		out = out[at+1:]
	}
	return ok(object{"keypairs": out})
}

func getKeypair(r *request) (answer, error) {
	k, found := r.s.keypairs[r.who.UserID+"/"+r.PathValue("name")]
	if !found {
		return answer{}, notFound("", "Keypair %s not found for user %s", r.PathValue("name"), r.who.UserID)
	}
	return ok(object{"keypair": k.body()})
}

func createKeypair(r *request) (answer, error) {
	var in struct {
		Keypair struct {
			Name      string `json:"name"`
			PublicKey string `json:"public_key"`
		} `json:"keypair"`
	}
	if err := json.Unmarshal(r.body, &in); err != nil || in.Keypair.Name == "" {
		return answer{}, refuse(http.StatusBadRequest, "", "Invalid input for field/attribute name. Value: . '' is too short")
	}
	k := keypair{r.who.UserID, in.Keypair.Name, in.Keypair.PublicKey}
	if fields := strings.Fields(k.PublicKey); len(fields) < 2 {
		return answer{}, refuse(http.StatusBadRequest, "", "Keypair data is invalid: failed to generate fingerprint")
	}
	if _, taken := r.s.keypairs[k.UserID+"/"+k.Name]; taken {
		return answer{}, refuse(http.StatusConflict, "", "Key pair '%s' already exists.", k.Name)
	}
	r.s.keypairs[k.UserID+"/"+k.Name] = k
	status := http.StatusOK
	if r.version() >= 2 {
		status = http.StatusCreated
	}
	return answer{status: status, body: object{"keypair": k.body()}}, nil
}

func deleteKeypair(r *request) (answer, error) {
	id := r.who.UserID + "/" + r.PathValue("name")
	if _, found := r.s.keypairs[id]; !found {
		return answer{}, notFound("", "Keypair %s not found for user %s", r.PathValue("name"), r.who.UserID)
	}
	delete(r.s.keypairs, id)
	if r.version() >= 2 {
		return done(http.StatusNoContent)
	}
	return done(http.StatusAccepted)
}
