import Dispatch
import Foundation
import GraftFiles

/// What happens when the user or the system ends the process: Ctrl-C, `kill`, a closed terminal.
public enum Interruption {
  /// From now on these signals remove the files that are being written, and then end the process as they would have.
  ///
  /// Files that were there before stay as they were. Python code that is running does not hold the end up.
  ///
  /// - Parameter willEnd: runs first, on a thread of its own.
  public static func cleanUp(_ willEnd: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // A handler, unlike ignoring the signal, is not inherited by child processes.
      signal(number) { _ in }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler {
        withExtendedLifetime(source) { willEnd() }
        LiveTemporaryFiles.removeAll { end(by: number) }
      }
      source.resume()
    }
  }

  /// Lets the signal have its default effect, which tells the parent process how this one ended.
  private static func end(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, number)
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    kill(getpid(), number)
    sleep(1)
    _exit(128 + number)
  }
}
