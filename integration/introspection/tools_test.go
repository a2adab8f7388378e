package introspection

import "testing"

// What differs between a table that is spread and one that is not: sizes, times, and the estimates of indexes.
const (
	sizes     = " DATA_LENGTH INDEX_LENGTH DATA_FREE AVG_ROW_LENGTH CREATE_TIME UPDATE_TIME CHECK_TIME CARDINALITY MAX_DATA_LENGTH"
	estimates = " CARDINALITY"
)

// tools is what programs send, by the program.
var tools = []struct {
	name string
	asks []question
}{
	{"Sequelize", []question{
		{sql: "SHOW FULL COLUMNS FROM `customer`"},
		{sql: "SHOW INDEX FROM `orders`", differ: estimates},
		{sql: "SELECT CONSTRAINT_NAME as constraint_name,CONSTRAINT_NAME as constraintName,CONSTRAINT_SCHEMA as constraintSchema,CONSTRAINT_SCHEMA as constraintCatalog,TABLE_NAME as tableName,TABLE_SCHEMA as tableSchema,TABLE_SCHEMA as tableCatalog,COLUMN_NAME as columnName,REFERENCED_TABLE_SCHEMA as referencedTableSchema,REFERENCED_TABLE_SCHEMA as referencedTableCatalog,REFERENCED_TABLE_NAME as referencedTableName,REFERENCED_COLUMN_NAME as referencedColumnName FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE where TABLE_NAME = 'orders' AND CONSTRAINT_NAME!='PRIMARY' AND CONSTRAINT_SCHEMA='shop' AND REFERENCED_TABLE_NAME IS NOT NULL"},
		{sql: "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA = 'shop'", any: true},
		{sql: "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME = 'setting' AND TABLE_SCHEMA = 'shop'"},
		{sql: "SELECT CONSTRAINT_CATALOG AS constraintCatalog, CONSTRAINT_NAME AS constraintName, CONSTRAINT_SCHEMA AS constraintSchema, CONSTRAINT_TYPE AS constraintType, TABLE_NAME AS tableName, TABLE_SCHEMA AS tableSchema from INFORMATION_SCHEMA.TABLE_CONSTRAINTS WHERE table_name='customer' AND constraint_name = 'in_country'"},
	}},
	{"Knex", []question{
		{sql: "select * from information_schema.tables where table_name = 'customer' and table_schema = database()", differ: sizes},
		{sql: "select * from information_schema.columns where table_name = 'customer' and table_schema = 'shop'"},
		{sql: "show columns from `orders`"},
		{sql: "SELECT KCU.CONSTRAINT_NAME, KCU.TABLE_NAME, KCU.COLUMN_NAME, KCU.REFERENCED_TABLE_NAME, KCU.REFERENCED_COLUMN_NAME, RC.UPDATE_RULE, RC.DELETE_RULE FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS KCU INNER JOIN INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS AS RC ON KCU.CONSTRAINT_NAME = RC.CONSTRAINT_NAME AND RC.CONSTRAINT_SCHEMA = 'shop' WHERE KCU.REFERENCED_TABLE_NAME = 'customer' AND KCU.CONSTRAINT_SCHEMA = 'shop'"},
	}},
	{"Django", []question{
		{sql: "SHOW FULL TABLES"},
		{sql: "SELECT table_name, table_collation FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'customer'"},
		{sql: "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, extra, column_default, collation_name, CASE WHEN column_type LIKE '% unsigned' THEN 1 ELSE 0 END AS is_unsigned FROM information_schema.columns WHERE table_name = 'customer' AND table_schema = DATABASE()"},
		{sql: "SELECT column_name, referenced_table_name, referenced_column_name FROM information_schema.key_column_usage WHERE table_name = 'orders' AND table_schema = DATABASE() AND referenced_table_name IS NOT NULL AND referenced_column_name IS NOT NULL"},
		{sql: "SELECT kc.`constraint_name`, kc.`column_name`, kc.`referenced_table_name`, kc.`referenced_column_name`, c.`constraint_type` FROM information_schema.key_column_usage AS kc, information_schema.table_constraints AS c WHERE kc.table_schema = DATABASE() AND c.table_schema = kc.table_schema AND c.constraint_name = kc.constraint_name AND c.constraint_type != 'CHECK' AND kc.table_name = 'customer' ORDER BY kc.`ordinal_position`, kc.constraint_name", any: true},
		{sql: "SELECT engine FROM information_schema.tables WHERE table_name = 'orders' AND table_schema = DATABASE()"},
		{sql: "SHOW INDEX FROM `customer`", differ: estimates},
		{sql: "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'shop' AND table_name IN ('setting', 'country', 'orders')"},
	}},
	{"SQLAlchemy", []question{
		{sql: "SHOW FULL TABLES FROM `shop`"},
		{sql: "DESCRIBE `shop`.`orders`"},
		{sql: "SHOW CREATE TABLE `orders`"},
		{sql: "SHOW CREATE TABLE `customer`"},
		{sql: "SHOW CREATE TABLE `setting`"},
		{sql: "select table_schema, table_name, column_name from information_schema.columns where (table_schema, table_name, lower(column_name)) in (('shop', 'customer', 'id'), ('shop', 'country', 'code'))", any: true},
		{sql: "SELECT information_schema.tables.table_name FROM information_schema.tables WHERE information_schema.tables.table_schema = 'shop' ORDER BY information_schema.tables.table_name"},
	}},
	{"JDBC", []question{
		{sql: "SELECT TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, TABLE_NAME, IF(TABLE_TYPE='BASE TABLE' or TABLE_TYPE='SYSTEM VERSIONED', 'TABLE', TABLE_TYPE) as TABLE_TYPE, TABLE_COMMENT REMARKS, NULL TYPE_CAT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_TYPE IN ('BASE TABLE', 'VIEW') ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME"},
		{sql: "SELECT TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, CASE data_type WHEN 'bit' THEN -7 WHEN 'int' THEN IF(COLUMN_TYPE like '%unsigned%', 4, 4) ELSE 12 END DATA_TYPE, UCASE(IF(COLUMN_TYPE like '%(%)%', CONCAT(SUBSTRING(COLUMN_TYPE,1, LOCATE('(',COLUMN_TYPE) - 1), SUBSTRING(COLUMN_TYPE,1+locate(')', COLUMN_TYPE))), COLUMN_TYPE)) TYPE_NAME, IF(IS_NULLABLE = 'yes',1,0) NULLABLE, COLUMN_COMMENT REMARKS, COLUMN_DEFAULT COLUMN_DEF, ORDINAL_POSITION FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME LIKE 'c%' ORDER BY TABLE_CAT, TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION"},
		{sql: "SELECT TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, TABLE_NAME, NON_UNIQUE, TABLE_SCHEMA INDEX_QUALIFIER, INDEX_NAME, 3 TYPE, SEQ_IN_INDEX ORDINAL_POSITION, COLUMN_NAME, COLLATION ASC_OR_DESC, CARDINALITY, NULL PAGES, NULL FILTER_CONDITION FROM INFORMATION_SCHEMA.STATISTICS WHERE TABLE_NAME = 'orders' AND TABLE_SCHEMA = 'shop' ORDER BY NON_UNIQUE, TYPE, INDEX_NAME, ORDINAL_POSITION", differ: estimates},
		{sql: "SELECT KCU.REFERENCED_TABLE_SCHEMA PKTABLE_CAT, NULL PKTABLE_SCHEM, KCU.REFERENCED_TABLE_NAME PKTABLE_NAME, KCU.REFERENCED_COLUMN_NAME PKCOLUMN_NAME, KCU.TABLE_SCHEMA FKTABLE_CAT, NULL FKTABLE_SCHEM, KCU.TABLE_NAME FKTABLE_NAME, KCU.COLUMN_NAME FKCOLUMN_NAME, KCU.POSITION_IN_UNIQUE_CONSTRAINT KEY_SEQ, CASE update_rule WHEN 'RESTRICT' THEN 1 WHEN 'NO ACTION' THEN 3 WHEN 'CASCADE' THEN 0 WHEN 'SET NULL' THEN 2 WHEN 'SET DEFAULT' THEN 4 END UPDATE_RULE, CASE DELETE_RULE WHEN 'RESTRICT' THEN 1 WHEN 'NO ACTION' THEN 3 WHEN 'CASCADE' THEN 0 WHEN 'SET NULL' THEN 2 WHEN 'SET DEFAULT' THEN 4 END DELETE_RULE, RC.CONSTRAINT_NAME FK_NAME, NULL PK_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE KCU INNER JOIN INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS RC ON KCU.CONSTRAINT_SCHEMA = RC.CONSTRAINT_SCHEMA AND KCU.CONSTRAINT_NAME = RC.CONSTRAINT_NAME WHERE KCU.TABLE_SCHEMA = 'shop' AND KCU.TABLE_NAME = 'customer' ORDER BY PKTABLE_CAT, PKTABLE_SCHEM, PKTABLE_NAME, KEY_SEQ"},
		{sql: "SELECT A.TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, A.TABLE_NAME, A.COLUMN_NAME, B.SEQ_IN_INDEX KEY_SEQ, B.INDEX_NAME PK_NAME FROM INFORMATION_SCHEMA.COLUMNS A, INFORMATION_SCHEMA.STATISTICS B WHERE A.COLUMN_KEY in ('PRI','pri') AND B.INDEX_NAME='PRIMARY' AND A.TABLE_SCHEMA = 'shop' AND B.TABLE_SCHEMA = 'shop' AND A.TABLE_NAME = 'orders' AND B.TABLE_NAME = 'orders' AND A.TABLE_SCHEMA = B.TABLE_SCHEMA AND A.TABLE_NAME = B.TABLE_NAME AND A.COLUMN_NAME = B.COLUMN_NAME ORDER BY A.COLUMN_NAME"},
	}},
	{"Workbench", []question{
		{sql: "SHOW DATABASES"},
		{sql: "SHOW SESSION VARIABLES LIKE 'lower_case_table_names'", columns: true},
		{sql: "SHOW SESSION VARIABLES LIKE 'sql_mode'", columns: true},
		{sql: "SHOW FUNCTION STATUS WHERE Db = 'shop'", columns: true},
		{sql: "SHOW PROCEDURE STATUS WHERE Db='shop'", columns: true},
		{sql: "SHOW TABLE STATUS FROM `shop` LIKE 'orders'", differ: sizes, columns: true},
		{sql: "SHOW INDEXES FROM `shop`.`customer`", differ: estimates},
		{sql: "SHOW TRIGGERS FROM `shop` LIKE 'orders'", columns: true},
		{sql: "SHOW ENGINES"},
		{sql: "SHOW COLLATION LIKE 'utf8mb4%'"},
		{sql: "SHOW CHARACTER SET"},
	}},
	{"DBeaver", []question{
		{sql: "SELECT * FROM information_schema.SCHEMATA", any: true},
		{sql: "SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'shop'"},
		{sql: "SHOW FULL TABLES FROM `shop` LIKE 'c%'"},
		{sql: "SELECT kc.CONSTRAINT_NAME,kc.TABLE_NAME,kc.COLUMN_NAME,kc.ORDINAL_POSITION FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE kc WHERE kc.TABLE_SCHEMA='shop' AND kc.REFERENCED_TABLE_NAME IS NULL AND kc.TABLE_NAME='orders' ORDER BY kc.CONSTRAINT_NAME,kc.ORDINAL_POSITION"},
		{sql: "SELECT cc.CONSTRAINT_NAME, cc.CHECK_CLAUSE, tc.TABLE_NAME FROM information_schema.CHECK_CONSTRAINTS cc, information_schema.TABLE_CONSTRAINTS tc WHERE tc.CONSTRAINT_TYPE = 'CHECK' AND cc.CONSTRAINT_NAME = tc.CONSTRAINT_NAME AND cc.CONSTRAINT_SCHEMA = 'shop' AND tc.TABLE_SCHEMA = 'shop'"},
		{sql: "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='shop'"},
		{sql: "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='shop' ORDER BY ROUTINE_NAME"},
		{sql: "SELECT * FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA='shop' AND TABLE_NAME='setting'", differ: sizes},
		{sql: "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'shop'"},
	}},
	{"phpMyAdmin", []question{
		{sql: "SELECT *, `TABLE_SCHEMA` AS `Db`, `TABLE_NAME` AS `Name`, `ENGINE` AS `Engine`, `TABLE_ROWS` AS `Rows`, `AUTO_INCREMENT` AS `Auto_increment` FROM `information_schema`.`TABLES` t WHERE `TABLE_SCHEMA` IN ('shop') ORDER BY Name ASC", differ: sizes},
		{sql: "SELECT COUNT(*) FROM (SELECT DISTINCT SUBSTRING_INDEX(SCHEMA_NAME, '_', 1) DB_first_level FROM INFORMATION_SCHEMA.SCHEMATA WHERE TRUE) t"},
		{sql: "SELECT `SCHEMA_NAME` FROM `INFORMATION_SCHEMA`.`SCHEMATA`, (SELECT DB_first_level FROM ( SELECT DISTINCT SUBSTRING_INDEX(SCHEMA_NAME, '_', 1) DB_first_level FROM INFORMATION_SCHEMA.SCHEMATA WHERE TRUE ) t ORDER BY DB_first_level ASC LIMIT 0, 100) t2 WHERE TRUE AND 1 = LOCATE(CONCAT(DB_first_level, '_'), CONCAT(SCHEMA_NAME, '_')) ORDER BY SCHEMA_NAME ASC"},
		{sql: "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'orders'"},
		{sql: "SHOW TABLE STATUS FROM `shop` WHERE `Name` LIKE 'c%' AND `Rows` > 3", differ: sizes, columns: true},
		{sql: "SHOW SESSION VARIABLES LIKE 'FOREIGN_KEY_CHECKS'", columns: true},
		{sql: "SELECT SUM(data_length + index_length) > 0, SUM(table_rows) FROM information_schema.tables WHERE table_schema = 'shop'"},
	}},
	{"HeidiSQL", []question{
		{sql: "SELECT `DEFAULT_COLLATION_NAME` FROM `information_schema`.`SCHEMATA` WHERE `SCHEMA_NAME`='shop'"},
		{sql: "SHOW TABLE STATUS FROM `shop`", differ: sizes, columns: true},
		{sql: "SHOW EVENTS FROM `shop`", columns: true},
		{sql: "SELECT *, EVENT_SCHEMA AS `Db`, EVENT_NAME AS `Name` FROM information_schema.`EVENTS` WHERE `EVENT_SCHEMA`='shop'"},
		{sql: "SELECT * FROM `information_schema`.`COLUMNS` WHERE TABLE_SCHEMA='shop' AND TABLE_NAME='orders' ORDER BY ORDINAL_POSITION"},
		{sql: "SHOW INDEXES FROM `orders` FROM `shop`", differ: estimates},
		{sql: "SELECT * FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA='shop' AND TABLE_NAME='orders' AND REFERENCED_TABLE_NAME IS NOT NULL"},
		{sql: "SELECT * FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA='shop' AND TABLE_NAME='orders' AND REFERENCED_TABLE_NAME IS NOT NULL"},
		{sql: "SHOW CREATE DATABASE `shop`"},
	}},
	{"mysqldump", []question{
		{sql: "SHOW TABLES LIKE 'customer'"},
		{sql: "SHOW TABLE STATUS LIKE 'customer'", differ: sizes, columns: true},
		{sql: "SHOW FIELDS FROM `orders`"},
		{sql: "SHOW TRIGGERS LIKE 'customer'", columns: true},
		{sql: "show events", columns: true},
	}},
}

func TestTools(t *testing.T) {
	p, _ := start(t)
	for _, tool := range tools {
		t.Run(tool.name, func(t *testing.T) {
			part := *p
			part.t = t
			for _, q := range tool.asks {
				part.same(q)
			}
		})
	}
}
