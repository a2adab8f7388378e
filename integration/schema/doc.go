// Package schema tests definitions: what CREATE, ALTER and DROP leave on the shards, whatever fails in the midst, what
// lockstep schema check finds and lockstep schema repair mends, rules that are declared in SQL, and views.
package schema
