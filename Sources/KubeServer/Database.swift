import Foundation
import GRDB
import Kubernetes

/// The SQLite file behind the store: one row an object, and the last revision.
///
/// WAL with synchronous=NORMAL: what is committed survives the end of the process at any moment;
/// a power cut may cost the last commits but not the file.
final class Database {
  private let queue: DatabaseQueue

  init(path: String) throws {
    var configuration = GRDB.Configuration()
    configuration.journalMode = .wal
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = NORMAL")
    }
    queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.write { database in
      try database.execute(
        sql: """
          CREATE TABLE IF NOT EXISTS object (
            api_group TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL,
            name TEXT NOT NULL, revision INTEGER NOT NULL, json BLOB NOT NULL,
            PRIMARY KEY (api_group, resource, namespace, name)) WITHOUT ROWID;
          CREATE TABLE IF NOT EXISTS revision (only INTEGER PRIMARY KEY CHECK (only = 0),
            value INTEGER NOT NULL);
          INSERT OR IGNORE INTO revision VALUES (0, 0);
          """)
    }
  }

  func revision() throws -> Int64 {
    try queue.read { try Int64.fetchOne($0, sql: "SELECT value FROM revision") ?? 0 }
  }

  func forEach(
    _ body: (GroupResource, ResourceName, Int64, [UInt8]) throws -> Void
  ) throws {
    try queue.read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: "SELECT api_group, resource, namespace, name, revision, json FROM object")
      while let row = try rows.next() {
        let bytes: [UInt8] = try row.withUnsafeData(atIndex: 5) { $0.map { [UInt8]($0) } ?? [] }
        try body(
          GroupResource(row[1], group: row[0]), ResourceName(namespace: row[2], name: row[3]),
          row[4], bytes)
      }
    }
  }

  func put(_ object: StoredObject) throws {
    try queue.write { database in
      let statement = try database.cachedStatement(
        sql: "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?)")
      try statement.execute(arguments: [
        object.key.resource.group, object.key.resource.resource, object.key.name.namespace,
        object.key.name.name, object.revision, Blob(bytes: object.bytes),
      ])
      try advance(database, object.revision)
    }
  }

  func remove(_ key: ObjectKey, revision: Int64) throws {
    try queue.write { database in
      let statement = try database.cachedStatement(
        sql: """
          DELETE FROM object WHERE api_group = ? AND resource = ? AND namespace = ? AND name = ?
          """)
      try statement.execute(arguments: [
        key.resource.group, key.resource.resource, key.name.namespace, key.name.name,
      ])
      try advance(database, revision)
    }
  }

  private func advance(_ database: GRDB.Database, _ revision: Int64) throws {
    try database.cachedStatement(sql: "UPDATE revision SET value = ?")
      .execute(arguments: [revision])
  }
}

/// Bytes as an SQL blob.
private struct Blob: DatabaseValueConvertible, StatementBinding {
  let bytes: [UInt8]

  var databaseValue: DatabaseValue { Data(bytes).databaseValue }

  static func fromDatabaseValue(_ value: DatabaseValue) -> Blob? {
    Data.fromDatabaseValue(value).map { Blob(bytes: Array($0)) }
  }

  func bind(to statement: SQLiteStatement, at index: CInt) -> CInt {
    Data(bytes).bind(to: statement, at: index)
  }
}
