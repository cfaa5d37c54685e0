-- The rows of a checkpoint: from plain columns (lists and maps as JSON text) to one struct per action.
-- Types are those that other readers demand: protocol versions INTEGER, maps of text to text.
-- checkpoint_rows.c ends the statement with FROM.
SELECT
  CASE WHEN kind = 'protocol' THEN struct_pack(
    minReaderVersion := reader::INTEGER,
    minWriterVersion := writer::INTEGER) END AS protocol,
  CASE WHEN kind = 'metaData' THEN struct_pack(
    id := id,
    name := name,
    description := description,
    format := struct_pack(provider := 'parquet', options := MAP {}::MAP(VARCHAR, VARCHAR)),
    schemaString := schema,
    partitionColumns := from_json(list, '["VARCHAR"]'),
    configuration := from_json(object, '"MAP(VARCHAR, VARCHAR)"'),
    createdTime := time) END AS "metaData",
  CASE WHEN kind = 'txn' THEN struct_pack(
    appId := id,
    version := size,
    lastUpdated := time) END AS txn,
  CASE WHEN kind = 'add' THEN struct_pack(
    path := path,
    partitionValues := from_json(object, '"MAP(VARCHAR, VARCHAR)"'),
    size := size,
    modificationTime := time,
    dataChange := false,
    stats := stats,
    tags := from_json(tags, '"MAP(VARCHAR, VARCHAR)"')) END AS "add",
  CASE WHEN kind = 'remove' THEN struct_pack(
    path := path,
    deletionTimestamp := time,
    dataChange := false,
    extendedFileMetadata := size IS NOT NULL,
    partitionValues := from_json(object, '"MAP(VARCHAR, VARCHAR)"'),
    size := size) END AS remove
