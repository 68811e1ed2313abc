//! The enforcers of a world's own: pure modules that say whether a grant covers an effect.
//!
//! They are given what AgentOS gives them (`CapCheckInput`) and answer as there
//! (`CapCheckOutput`). A module that traps, overruns a bound or answers anything else denies, and
//! the reason is in the same words every time: each call has an instance of its own.

use super::GateRequest;
use crate::World;
use sim_air::{Air, OriginKind, PureModule, Value};
use sim_host::StepError;

/// The most of a reason that is kept, in characters.
const MOST_REASON_CHARS: usize = 400;

/// Asks a module whether the grant covers the effect; if not, why.
///
/// # Errors
/// The reason of the denial.
pub fn ask(world: &World, module: Option<usize>, request: &GateRequest<'_>) -> Result<(), String> {
    // Each grant's cap has its module, by what is checked at load.
    let module = module.ok_or("it is not there")?;
    let definition = &world.air.enforcers[module];
    let input = input(&world.air, definition, request)?;
    let context = match definition.context {
        Some(schema) => {
            let context = context(&world.air, definition, request);
            let bytes = world.air.schemas.encode(schema, &context);
            Some(bytes.map_err(|error| format!("it has no context: {error}"))?)
        }
        None => None,
    };
    let answer = world.enforcers[module].call(&input, context.as_deref());
    let answer = answer.map_err(|error| why(&error))?;
    let mut canonical = Vec::new();
    let schemas = &world.air.schemas;
    let decoded = schemas
        .canonicalise(definition.output, &answer, &mut canonical)
        .and_then(|()| schemas.decode(definition.output, &canonical));
    let decoded = decoded.map_err(|error| format!("its answer is wrong: {error}"))?;
    match decoded.field("constraints_ok") {
        Some(Value::Bool(true)) => Ok(()),
        Some(Value::Bool(false)) => Err(reason(&decoded)),
        _ => Err("its answer has no `constraints_ok`".to_owned()),
    }
}

/// The canonical bytes of what a module is given.
fn input(air: &Air, module: &PureModule, request: &GateRequest<'_>) -> Result<Vec<u8>, String> {
    let cap = &air.caps[request.grant.cap];
    let encoded = air.schemas.encode(cap.schema, &request.grant.params);
    let cap_params = encoded.map_err(|error| error.to_string())?;
    let kind = match request.origin_kind {
        OriginKind::Plan => "plan",
        OriginKind::Reducer => "reducer",
    };
    let origin = [
        ("kind", Value::text(kind)),
        ("name", Value::text(request.origin_name)),
    ];
    let check = Value::record([
        ("cap_def", Value::text(&cap.name)),
        ("grant_name", Value::text(&request.grant.name)),
        ("cap_params", Value::Bytes(cap_params)),
        ("effect_kind", Value::text(&request.effect.kind)),
        ("effect_params", Value::Bytes(request.params.to_vec())),
        ("origin", Value::record(origin)),
        ("logical_now_ns", Value::Nat(request.now_ns)),
    ]);
    let encoded = air.schemas.encode(module.input, &check);
    encoded.map_err(|error| format!("its input does not hold the question: {error}"))
}

/// `sys/PureContext@1`.
fn context(air: &Air, module: &PureModule, request: &GateRequest<'_>) -> Value {
    Value::record([
        ("logical_now_ns", Value::Nat(request.now_ns)),
        ("journal_height", Value::Nat(request.journal_height as u64)),
        ("manifest_hash", Value::text(air.manifest_hash.to_string())),
        ("module", Value::text(&module.name)),
    ])
}

/// The reason that the module gives.
fn reason(answer: &Value) -> String {
    let deny = answer.field("deny");
    let text = |name: &str| {
        let text = deny.and_then(|deny| deny.field(name)?.as_text());
        text.map(|text| {
            sim_air::printable(&text.chars().take(MOST_REASON_CHARS).collect::<String>())
        })
    };
    match (text("code"), text("message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => "it gives no reason".to_owned(),
    }
}

fn why(error: &StepError) -> String {
    match error {
        StepError::Trap { message, stack } => format!("it trapped: {message}{stack}"),
        StepError::OutOfFuel { limit, stack } => {
            format!("it used up its {limit} units of fuel{stack}")
        }
        StepError::BadEnvelope { .. } => format!("its answer is wrong: {error}"),
        error => error.to_string(),
    }
}
