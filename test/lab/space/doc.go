// Package space makes network namespaces without a name and works in them.
package space
