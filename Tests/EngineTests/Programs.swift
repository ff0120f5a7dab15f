import Glibc

/// A program of others that runs beside the engine, and ends with this value.
final class Program: Sendable {
  let pid: Int32
  /// Where its output goes.
  let folder: String

  /// `$FOLDER` in words and files stands for the folder of its own that it gets.
  init(_ words: [String], files: [String: String] = [:]) throws {
    let folder = try temporaryFolder()
    self.folder = folder
    for (name, text) in files {
      try write(text.replacing("$FOLDER", with: folder), to: "\(folder)/\(name)")
    }
    pid = try start(
      words.map { $0.replacing("$FOLDER", with: folder) }, input: "/dev/null",
      output: "\(folder)/output")
  }

  deinit {
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    removeFolder(folder)
  }

  var output: String { read("\(folder)/output") }
  var isRunning: Bool { kill(pid, 0) == 0 && waitpid(pid, nil, WNOHANG) == 0 }

  /// Full path of a program; nil if it is not installed.
  static func find(_ name: String) -> String? {
    let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
    return (folders.map(String.init) + ["/usr/sbin", "/usr/bin"]).map { "\($0)/\(name)" }
      .first { access($0, X_OK) == 0 }
  }

  /// Runs to the end, killed after `seconds`.
  static func run(
    _ words: [String], input: String = "", seconds: Int = 20
  ) throws -> (code: Int32, output: String) {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try write(input, to: "\(folder)/input")
    let pid = try start(
      ["timeout", "-s", "KILL", "\(seconds)"] + words, input: "\(folder)/input",
      output: "\(folder)/output")
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    return (status & 0x7f == 0 ? status >> 8 & 0xff : -1, read("\(folder)/output"))
  }
}

func temporaryFolder() throws -> String {
  let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  var name = Array("\(parent)/atoll-test.XXXXXX".utf8CString)
  guard mkdtemp(&name) != nil else { throw TestFailure("mkdtemp: \(errno)") }
  let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  chmod(path, 0o755)
  return path
}

func write(_ text: String, to path: String) throws {
  guard let file = fopen(path, "w") else { throw TestFailure("\(path): \(errno)") }
  fputs(text, file)
  fclose(file)
}

private func read(_ path: String) -> String {
  guard let file = fopen(path, "r") else { return "" }
  defer { fclose(file) }
  var all: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
    all += buffer[..<count]
  }
  return String(decoding: all, as: UTF8.self)
}

func removeFolder(_ path: String) {
  if let folder = opendir(path) {
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != ".." else { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) {
        removeFolder("\(path)/\(name)")
      } else {
        unlink("\(path)/\(name)")
      }
    }
    closedir(folder)
  }
  rmdir(path)
}

private func start(_ words: [String], input: String, output: String) throws -> Int32 {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  posix_spawn_file_actions_adddup2(&actions, 1, 2)
  // The loop has signals blocked that a program of others needs.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  sigemptyset(&none)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
  var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
  defer { arguments.forEach { free($0) } }
  arguments.append(nil)
  var pid: pid_t = 0
  let code = posix_spawnp(&pid, words[0], &actions, &attributes, arguments, environ)
  guard code == 0 else { throw TestFailure("\(words[0]): \(String(cString: strerror(code)))") }
  return pid
}
