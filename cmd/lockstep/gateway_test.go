package main

// gatewayForTests is what tests of dev run behind: see TestMain.
const gatewayForTests = "relay"
