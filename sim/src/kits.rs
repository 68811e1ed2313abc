//! The kits that `sim init` copies, as they lie in `sim/kits`, and the sources of the `sdk`.
//!
//! All of it is in the binary: who has only that can begin a world. Never touches a file.

/// A path in a new world, with `/`, and the text of the file there.
pub(crate) type KitFile = (String, String);

/// A file of a kit: its path in the folder of the kit, and its text.
type Embedded = (&'static str, &'static str);

/// The files in a folder, with their texts.
macro_rules! embedded {
    ($folder:literal: $($file:literal)*) => {
        &[$(($file, include_str!(concat!("../", $folder, "/", $file)))),*]
    };
}

const RUST: &[Embedded] = embedded!("kits/rust":
    ".gitignore.kit"
    "Cargo.toml.kit"
    "README.md"
    "air/schemas.air.json"
    "air/world.air.json"
    "ci.yml"
    "corpus/an-earlier-timer.json"
    "sim.toml"
    "src/lib.rs"
);

const C: &[Embedded] = embedded!("kits/c":
    ".gitignore.kit"
    "Makefile"
    "README.md"
    "air/schemas.air.json"
    "air/world.air.json"
    "ci.yml"
    "corpus/an-earlier-timer.json"
    "sim.toml"
    "ticket.c"
);

const ASSEMBLYSCRIPT: &[Embedded] = embedded!("kits/assemblyscript":
    ".gitignore.kit"
    "README.md"
    "air/schemas.air.json"
    "air/world.air.json"
    "assembly/abi.ts"
    "assembly/cbor.ts"
    "assembly/ticket.ts"
    "ci.yml"
    "corpus/an-earlier-timer.json"
    "package.json"
    "sim.toml"
);

const SDK: &[Embedded] = embedded!("../sdk/src":
    "cbor.rs"
    "decode.rs"
    "encode.rs"
    "envelope.rs"
    "export.rs"
    "input.rs"
    "lib.rs"
    "memory.rs"
    "monitor.rs"
    "output.rs"
    "record.rs"
    "refusal.rs"
    "schema.rs"
    "straight.rs"
    "sys.rs"
    "testing.rs"
    "text.rs"
);

const LICENSES: &[Embedded] = embedded!("..": "LICENSE-APACHE" "LICENSE-MIT");

/// What the reducer of a kit is written in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, clap::ValueEnum)]
pub(crate) enum Language {
    #[default]
    Rust,
    C,
    #[value(name = "assemblyscript")]
    AssemblyScript,
}

impl Language {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::C => "C",
            Language::AssemblyScript => "AssemblyScript",
        }
    }

    /// The command that builds the wasm; None where `sim` does.
    pub fn build(self) -> Option<&'static str> {
        match self {
            Language::Rust => None,
            Language::C => Some("make"),
            Language::AssemblyScript => Some("npm install && npm run build"),
        }
    }

    /// The files of a new world of this name.
    pub fn world(self, name: &str) -> Vec<KitFile> {
        let kit = match self {
            Language::Rust => RUST,
            Language::C => C,
            Language::AssemblyScript => ASSEMBLYSCRIPT,
        };
        let files = kit.iter();
        let files = files.map(|(path, text)| (path_of(path), text.replace("{{name}}", name)));
        match self {
            Language::Rust => files.chain(sdk()).collect(),
            Language::C | Language::AssemblyScript => files.collect(),
        }
    }
}

/// Where a file of a kit lies in a world.
fn path_of(file: &str) -> String {
    match file.strip_suffix(".kit") {
        Some(name) => name.to_owned(),
        None if file == "ci.yml" => ".github/workflows/sim.yml".to_owned(),
        None => file.to_owned(),
    }
}

/// The `sdk` as a package of its own, which needs no workspace.
fn sdk() -> impl Iterator<Item = KitFile> {
    let sources = SDK.iter();
    let sources = sources.map(|(path, text)| (format!("sdk/src/{path}"), (*text).to_owned()));
    let licenses = LICENSES.iter();
    let licenses = licenses.map(|(path, text)| (format!("sdk/{path}"), (*text).to_owned()));
    let manifest = ("sdk/Cargo.toml".to_owned(), sdk_manifest());
    sources.chain(licenses).chain([manifest])
}

/// This program's package and the `sdk` have their version, license and compiler of the workspace.
fn sdk_manifest() -> String {
    format!(
        r#"# A copy of what `sim` {version} was built with.
[package]
name = "sdk"
# Another than the original's, so that both can be in one lock file: `sim` brings that along.
version = "{version}-copy"
edition = "2024"
rust-version = "{rust_version}"
license = "{license}"
publish = false
description = "What a WebAssembly reducer is written with"
"#,
        version = env!("CARGO_PKG_VERSION"),
        rust_version = env!("CARGO_PKG_RUST_VERSION"),
        license = env!("CARGO_PKG_LICENSE"),
    )
}
