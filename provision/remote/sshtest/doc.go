// Package sshtest is an SSH server within a test: it lets in whom the test
// lets in, answers commands with a function, and forwards connections as a jump
// host does. It runs nothing.
package sshtest
