package cluster

// Race says whether proxy and tests are built with the race detector, which makes both slow.
const Race = raceEnabled
