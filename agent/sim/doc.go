// Package sim runs the agents of a group on a virtual wire in virtual time, and
// judges them. A scenario comes from a seed: 2 to 5 members, a storm of faults and
// bad weather, and then, with the wire whole again, drills one after the other.
// The same seed gives the same run.
//
// What runs is vrrp.Group, the very code of the agent. Around it the package
// models the engine's loop (what waits in the socket counts before a timer fires;
// effects are carried out in order, and a process may be stopped between two of
// them), the kernel (receive times, the lease of the VIPs, the socket's bound) and
// the server (its own clock, power, a hypervisor that pauses it).
//
// # Invariants
//
// L is the latency: the greatest delay of a packet and lateness of a wake-up. I is
// the longer interval of the members in question, down and skew are those of RFC
// 9568 section 6.1. All bounds have 0.2 % for clocks of different rates and 1 ms.
//
//   - rivals: two actives that hear each other are both active for no longer than
//     I + 2 L; of version 3, when one just became active, 2 L. Of equals whose first
//     routers do not hear each other, the down interval + 3 I + 2 L.
//   - vacancy: on a whole wire with a living member somebody is active within the
//     shortest wait of those who live: 3 I + skew, of an unhealthy one 4 I + skew,
//     and no earlier than a start delay allows, + L. An active that was stopped while
//     it sent an advert sends it when it goes on: then counted from there. Where
//     announcements were seen and adverts lost, 4 s more.
//   - calm: on a whole wire where nothing happens, nobody becomes active or ceases
//     to be. What befalls a backup, a stop of the active for less than 2 I - 4 L,
//     and its restart within an interval move nothing.
//   - address: a member that is neither active nor leaving holds no VIP; one whose
//     agent is dead or stopped, no longer than its lease, which is between the down
//     interval and a second more, and what the kernel is late (300 ms). On a calm
//     wire the active holds all, and nobody else any.
//   - cause: a backup takes over after the wait that the rules demand, counted from
//     the kernel's receive times, or by a switchover; without preemption never
//     from a live active; with a preempt delay not before it, nor in the start delay.
//   - yield: an active gives up for a better one, or when no advert has left for
//     its down interval, and then it does.
//   - preempt, owner: on a whole wire the best of those who preempt is active, the
//     owner before all others; but not who yielded to an active that did not hear it,
//     before it has been active again.
//   - fit: an unhealthy active has a healthy successor within its skew + 2 L.
//   - reload: a reload causes no transition.
//   - handover: a switchover, and a failed check, leave no moment without a holder
//     of the VIPs; nor does a stop, where the successor's skew + L is within the
//     time for which the leaving active waits, else the difference.
//   - found: on a calm wire the network looks for the VIPs at the active: of all members
//     it was the last to announce them, also of those announcements that only reached
//     stations from which no member was cut off.
//   - statement: an advert tells the interval and priority that are in force.
//   - claims: of two actives that only see each other's announcements one yields
//     within 2 max(down, 1.5 s) + 9 s + 4 L of the takeover that made them two,
//     unless one is the owner, who yields to no MAC. While adverts stay blocked, one
//     of healthy members is active after that, and stays so.
//   - chatter: within the shortest interval of all members a router sends at most 5
//     adverts for each member, its answers and what befalls it included.
//   - together: the routers of a member are in the same state until they leave. A path
//     that is broken for one router alone moves nothing.
//   - idle: a tick moves the deadline, so that the loop never spins.
//
// How often two of several backups take over at once is counted, not judged.
package sim
