/// What Graft finds on this machine, and what is missing.
public struct DoctorReport: Codable, Sendable, Equatable {
  public var graft: Build
  /// Nil when there is none that can be used; `problems` says why.
  public var python: Python?
  public var frameworks: [Framework]
  public var processor: Processor
  public var blas: BLAS
  /// What has to be mended before `graft transpile` works; empty when all is well.
  public var problems: [Finding]

  public var isHealthy: Bool { problems.isEmpty }

  /// How this program was built.
  public struct Build: Codable, Sendable, Equatable {
    public var version: String
    public var swift: String
    /// `debug` or `release`.
    public var configuration: String
    public var platform: String
  }

  /// The interpreter that Graft runs inside its own process.
  public struct Python: Codable, Sendable, Equatable {
    public var executable: String
    public var version: String
    /// Why this one: `--python`, `$GRAFT_PYTHON`, `./.venv`...
    public var chosenBy: String
    public var library: String
    public var platform: String
  }

  public struct Framework: Codable, Sendable, Equatable {
    public var name: String
    /// Nil when it is not installed.
    public var version: String?
    public var isRequired: Bool
    /// Seconds that the import took in this process; nil when it was not tried.
    public var importSeconds: Double?
    /// Why the import failed.
    public var importError: String?
    /// The command that installs it, where it is required and missing.
    public var installCommand: String?
  }

  public struct Processor: Codable, Sendable, Equatable {
    public var brand: String
    public var features: [String]
    /// The kernels that the native backend runs; nil when `GRAFT_CPU` asks for some that cannot run.
    public var kernels: String?
    /// What is wrong with `GRAFT_CPU`.
    public var problem: String?
  }

  /// The matrix library of the native backend.
  public struct BLAS: Codable, Sendable, Equatable {
    public var path: String?
    public var configuration: String?
    public var core: String?
    /// Why there is none, and how to get one.
    public var problem: String?
    public var remedy: String?
  }

  public struct Finding: Codable, Sendable, Equatable {
    public var message: String
    public var remedy: String?
  }
}
