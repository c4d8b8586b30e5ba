// Package metrics shows an agent's status to Prometheus: a page in its text
// format, made of one status for each scrape, and a server that can be switched
// on, off and moved while the agent runs.
package metrics
