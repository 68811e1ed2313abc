//! What every world may refer to and none may define: the names under `sys/`.
//!
//! The built-in documents are read and checked like any other. What AgentOS has beyond them is
//! known by name only, so that a world which needs it is not refused for an "unknown name".

/// The built-in documents, as a file that comes before those of the world.
pub const TEXT: &str = include_str!("builtins.air.json");
pub const FILE: &str = "(built in)";
/// The namespace that is theirs alone.
pub const RESERVED: &str = "sys/";

/// A reducer gets the receipt of an effect as an event of this schema.
pub const RECEIPT_EVENTS: [(&str, &str); 3] = [
    ("timer.set", "sys/TimerFired@1"),
    ("blob.put", "sys/BlobPutResult@1"),
    ("blob.get", "sys/BlobGetResult@1"),
];

/// Schemas that were built in after others had ids, which are part of a trace: they come after
/// those of the world.
pub const LATE: [&str; 2] = [CHECK_INPUT, CHECK_OUTPUT];

/// What the enforcer of a cap is given, and what it answers.
pub const CHECK_INPUT: &str = "sys/CapCheckInput@1";
pub const CHECK_OUTPUT: &str = "sys/CapCheckOutput@1";
/// The built-in enforcer that knows the allow-lists of `http.out`.
pub const HTTP_ENFORCER: &str = "sys/CapEnforceHttpOut@1";
/// The built-in enforcer that lets everything pass. It is a name and no module.
pub const ALLOW_ALL: &str = "sys/CapAllowAll@1";
pub const PURE_CONTEXT: &str = "sys/PureContext@1";

/// Words by which the parts of AgentOS that are not modelled are recognised.
const UNMODELLED: [&str; 4] = ["llm", "vault", "workspace", "introspect"];

/// A hint for a name or kind that AgentOS has and this harness does not.
pub fn unmodelled(name: &str) -> Option<String> {
    let lower = name
        .get(..name.len().min(128))
        .unwrap_or_default()
        .to_lowercase();
    let plain = lower.strip_prefix(RESERVED).unwrap_or(&lower);
    let part = UNMODELLED.iter().find(|part| plain.starts_with(**part));
    match part {
        Some(part) => Some(format!(
            "`{part}` is built into AgentOS and not modelled here"
        )),
        None if lower.starts_with(RESERVED) => {
            Some("names under `sys/` are built in; this one is not modelled here".to_owned())
        }
        None => None,
    }
}
