// Command tiny stands in for the agent in the test of mkbundle.
package main

var version = "unset"

func main() { println(version) }
