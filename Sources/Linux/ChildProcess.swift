import CLinux
import Glibc
import NetTypes

/// A process that this one started, or found running and adopted; its end is awaited on the loop.
@Loop package final class ChildProcess {
  /// How a process ended.
  package enum Ending: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)
    /// It was not our child: the kernel tells nobody else.
    case unknown

    package var description: String {
      switch self {
      case .exited(let code): "exit code \(code)"
      case .killed(let signal): "signal \(signal)"
      case .unknown: "gone"
      }
    }

    package var isSuccess: Bool { self == .exited(0) }
  }

  /// Where a child's standard output and error go.
  package enum Output: Sendable {
    case inherit
    case null
    /// A file, opened with O_APPEND and made if it is not there.
    case append(String)
    /// Descriptors of the caller.
    case descriptors(Int32, Int32)
  }

  package let pid: Int32
  private let pidfd: Int32
  /// All that are being watched.
  static var running: [Int32: ChildProcess] = [:]

  private var registration: Registration?
  private var ending: Ending?
  private var waiters: [Waiter] = []

  private init(pid: Int32, pidfd: Int32) throws {
    self.pid = pid
    self.pidfd = pidfd
    // Held by its registration until it has ended, also when nobody waits: no zombie stays.
    registration = try Loop.watch(pidfd) { _ in self.reap() }
    Self.running[pid] = self
  }

  deinit { close(pidfd) }

  /// Starts `arguments[0]`, looked up in PATH, in the calling thread's namespaces.
  /// - Parameter networkNamespace: The file of another network namespace to start it in.
  package static func spawn(
    _ arguments: [String], environment: [String: String]? = nil, input: Int32? = nil,
    output: Output = .inherit, directory: String? = nil, newSession: Bool = false,
    networkNamespace: String? = nil
  ) throws -> ChildProcess {
    if let networkNamespace {
      return try NetworkNamespace.open(path: networkNamespace).with {
        try spawn(
          arguments, environment: environment, input: input, output: output, directory: directory,
          newSession: newSession)
      }
    }
    precondition(!arguments.isEmpty)
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    switch output {
    case .inherit: break
    case .null:
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, 1, 2)
    case .append(let path):
      posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
      posix_spawn_file_actions_adddup2(&actions, 1, 2)
    case .descriptors(let standard, let error):
      posix_spawn_file_actions_adddup2(&actions, standard, 1)
      posix_spawn_file_actions_adddup2(&actions, error, 2)
    }
    // Nothing that this process was given reaches its children: a daemon that kept a caller's pipe
    // open would keep that caller waiting.
    atoll_spawn_closefrom(&actions, 3)
    if let directory { atoll_spawn_addchdir(&actions, directory) }
    // The child begins with no signal blocked or ignored, whatever this process does with them.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    var flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
    if newSession { flags |= 0x80 }
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var words = arguments.map { strdup($0) } + [nil]
    let pairs = environment.map { $0.map { strdup("\($0.key)=\($0.value)") } + [nil] }
    defer { for word in words + (pairs ?? []) { free(word) } }
    var pid: pid_t = 0
    let code: Int32
    if var pairs {
      code = posix_spawnp(&pid, arguments[0], &actions, &attributes, &words, &pairs)
    } else {
      code = posix_spawnp(&pid, arguments[0], &actions, &attributes, &words, environ)
    }
    guard code == 0 else { throw SystemError("spawn", arguments[0], code: code) }
    return try adopt(pid: pid)
  }

  /// Watches a process that runs already.
  package static func adopt(pid: Int32) throws -> ChildProcess {
    let pidfd = try system("pidfd_open", "\(pid)") { atoll_pidfd_open(pid) }
    return try ChildProcess(pid: pid, pidfd: pidfd)
  }

  package var isRunning: Bool { ending == nil }

  package func signal(_ number: Int32) {
    if isRunning { _ = atoll_pidfd_send_signal(pidfd, number) }
  }

  /// Suspends until the process has ended.
  package func wait() async throws -> Ending {
    reap()
    while true {
      if let ending { return ending }
      let waiter = Waiter()
      waiters.append(waiter)
      try await waiter.wait()
    }
  }

  /// Takes the ending of the process, if there is one by now.
  func reap() {
    guard ending == nil else { return }
    var information = siginfo_t()
    let code = waitid(P_PIDFD, id_t(bitPattern: pidfd), &information, WEXITED | WNOHANG)
    if code != 0 {
      // Adopted, not born here: only its end can be seen.
      if errno == ECHILD, isReadable { finish(.unknown) }
      return
    }
    guard information.si_signo == SIGCHLD else { return }
    let status = information._sifields._sigchld.si_status
    finish(information.si_code == CLD_EXITED ? .exited(status) : .killed(signal: status))
  }

  /// A pidfd is readable once its process has ended.
  private var isReadable: Bool {
    var descriptor = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, 0) > 0
  }

  private func finish(_ how: Ending) {
    ending = how
    registration?.cancel()
    registration = nil
    if Self.running[pid] === self { Self.running[pid] = nil }
    for waiter in waiters { waiter.resume() }
    waiters = []
  }
}
