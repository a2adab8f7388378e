package protocol

// Capability is the set of CLIENT_* flags of a connection.
type Capability uint32

// Capability flags, in the order of the protocol's page "Capabilities Flags".
const (
	ClientLongPassword Capability = 1 << iota // MariaDB: CLIENT_MYSQL; its absence announces MariaDB's extended flags
	ClientFoundRows                           // affected rows are found rows
	ClientLongFlag
	ClientConnectWithDB
	ClientNoSchema
	ClientCompress
	ClientODBC
	ClientLocalFiles
	ClientIgnoreSpace
	ClientProtocol41
	ClientInteractive // interactive_timeout instead of wait_timeout
	ClientSSL
	ClientIgnoreSIGPIPE
	ClientTransactions
	ClientReserved
	ClientSecureConnection
	ClientMultiStatements
	ClientMultiResults
	ClientPSMultiResults
	ClientPluginAuth
	ClientConnectAttrs
	ClientPluginAuthLenencClientData
	ClientCanHandleExpiredPasswords
	ClientSessionTrack
	ClientDeprecateEOF
	ClientOptionalResultsetMetadata
	ClientZstdCompressionAlgorithm
	ClientQueryAttributes
	ClientMultiFactorAuthentication
	ClientCapabilityExtension
	ClientSSLVerifyServerCert
	ClientRememberOptions
)

// ServerCapabilities is all that this package can speak as a server. Rows pass from a shard to a
// client unchanged, so nothing is offered that changes their form.
const ServerCapabilities = ClientLongPassword | ClientFoundRows | ClientLongFlag | ClientConnectWithDB |
	ClientLocalFiles | ClientIgnoreSpace | ClientProtocol41 | ClientInteractive | ClientTransactions | ClientSecureConnection |
	ClientMultiStatements | ClientMultiResults | ClientPSMultiResults | ClientPluginAuth |
	ClientConnectAttrs | ClientPluginAuthLenencClientData | ClientDeprecateEOF |
	ClientSessionTrack | ClientQueryAttributes | ClientCompress | ClientZstdCompressionAlgorithm

// requiredCapabilities are offered whatever the greeting asks for: login is not
// understood without them.
const requiredCapabilities = ClientLongPassword | ClientProtocol41 | ClientSecureConnection |
	ClientPluginAuth | ClientPluginAuthLenencClientData

// Has says whether all of flags are set.
func (c Capability) Has(flags Capability) bool { return c&flags == flags }
