/// A place in the user's source.
public struct SourceLocation: Hashable, Sendable, Codable {
  public var file: String
  public var line: Int
  public var function: String
  /// The source text of the statement, when it could be read.
  public var text: String

  public init(file: String, line: Int, function: String = "", text: String = "") {
    self.file = file
    self.line = line
    self.function = function
    self.text = text
  }
}

extension SourceLocation: CustomStringConvertible {
  public var description: String { "\(file):\(line)" }
}

/// A call of a module: its path in the model, its class, and which of its calls this is.
package struct ModuleCall: Hashable, Sendable, Codable {
  package var path: String
  package var className: String
  package var call: Int

  package init(path: String, className: String, call: Int = 0) {
    self.path = path
    self.className = className
    self.call = call
  }
}

extension ModuleCall {
  private static let gradientSuffix = "Gradient"

  /// What goes back over the call; what goes back over that is part of it.
  package var gradient: ModuleCall {
    if isGradient { return self }
    return ModuleCall(path: path, className: className + Self.gradientSuffix, call: call)
  }

  /// Whether this is what goes back over a call.
  package var isGradient: Bool { className.hasSuffix(Self.gradientSuffix) }

  /// Whether the class is one of the framework's own layers.
  package var isFrameworkLayer: Bool { className.hasPrefix("torch.nn.modules.") }

  /// Whether the class is one of the framework's that do nothing but call others.
  package var isContainer: Bool { className.hasPrefix("torch.nn.modules.container.") }
}

/// Where an operation came from in the source program.
package struct Origin: Hashable, Sendable {
  /// A place in the source within one call of a module.
  package struct Place: Hashable, Sendable {
    package var call: Int?
    package var frames: [SourceLocation]

    package init(call: Int?, frames: [SourceLocation]) {
      self.call = call
      self.frames = frames
    }
  }

  /// The modules that were being called, outermost first; empty at the root.
  package var modules: [ModuleCall]
  /// The call stack from the root's `forward` inwards.
  package var frames: [SourceLocation]
  /// The innermost call of a function of the program's own source, by position among the function's calls.
  package var call: Int?
  /// Where else the program computed the same, and reads this operation's results now.
  package var copies: [Place] = []
  /// The source's own name of the operation, for messages: `aten.conv2d.default`.
  package var sourceOp: String
  /// The name of the node in the source's trace, which verification uses to find its value there.
  package var node: String

  package init(
    modules: [ModuleCall] = [], frames: [SourceLocation] = [], call: Int? = nil, sourceOp: String = "",
    node: String = ""
  ) {
    self.modules = modules
    self.frames = frames
    self.call = call
    self.sourceOp = sourceOp
    self.node = node
  }

  package static let unknown = Origin()

  package var place: Place {
    get { Place(call: call, frames: frames) }
    set { (call, frames) = (newValue.call, newValue.frames) }
  }

  package var path: String { modules.last?.path ?? "" }
  /// The innermost frame.
  package var location: SourceLocation? { frames.last }
}
