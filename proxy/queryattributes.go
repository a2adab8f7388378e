package proxy

import "lockstep/protocol"

// attributeFunction reads a query attribute on a MySQL server. Attributes are not passed on, so it would
// answer NULL.
const attributeFunction = "mysql_query_attribute_string"

// queryAttributes are those of the running statement.
type queryAttributes struct {
	list []protocol.Attribute // of a COM_QUERY; its memory is used again
	any  bool
}

// queryText is the statement of a COM_QUERY, behind its attributes where the client sends some.
func (s *session) queryText(arg []byte) (text []byte, err error) {
	s.attributes.any = false
	if !s.client.Capabilities().Has(protocol.ClientQueryAttributes) {
		return arg, nil
	}
	s.attributes.list, text, err = protocol.ParseQuery(s.attributes.list, arg)
	s.attributes.any = len(s.attributes.list) > 0
	return text, err
}

// parseExecute reads a COM_STMT_EXECUTE into st.
func (s *session) parseExecute(st *prepared, arg []byte) error {
	s.attributes.any = false
	if !s.client.Capabilities().Has(protocol.ClientQueryAttributes) {
		return protocol.ParseExecute(&st.execute, arg, len(st.long), &st.types, st.long)
	}
	err := protocol.ParseExecuteWithAttributes(&st.execute, arg, len(st.long), &st.types, st.long)
	s.attributes.any = len(st.execute.Attributes) > 0
	return err
}
