// Package report writes what a failover test came to: as JUnit's XML for
// pipelines, and as one page of HTML for people.
package report
