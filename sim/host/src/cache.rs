//! Where compiled code is kept between processes, so that a start costs no compilation.
//!
//! What is read here is run as it is, outside the sandbox. So two things are looked at before:
//!
//! - **Damage**: an entry has a header with the SHA-256 of what follows. A bit that was flipped, an
//!   end that is missing, the entry of another module: it is compiled anew, without a word.
//! - **Others**: on Unix, folder and entry must belong to the user who runs this, and no other
//!   may write there. A link or a pipe is no entry.
//!
//! Neither helps against somebody who can write as you: who can do that can also replace the
//! executable. Elsewhere than on Unix the folder is as safe as the system makes it.
//!
//! A cache that can't be had is no error, only slower, and nothing is printed about it.

use std::env;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sim_air::Hash;

/// Names the directory; set but empty, it switches the cache off.
const DIRECTORY_VARIABLE: &str = "SIM_CACHE_DIR";

/// The directory of compiled code. `None` means no cache.
///
/// It is `SIM_CACHE_DIR`, or `sim-cache` beside an executable in a target folder of cargo (test
/// binaries, in `deps`, share the one of their build), or `sim` where the user's caches are.
pub fn default_cache_dir() -> Option<PathBuf> {
    if let Some(directory) = env::var_os(DIRECTORY_VARIABLE) {
        return (!directory.is_empty()).then(|| PathBuf::from(directory));
    }
    let executable = env::current_exe().ok()?;
    match build_folder(&executable) {
        Some(folder) => Some(folder.join("sim-cache")),
        None => Some(user_caches()?.join("sim")),
    }
}

/// The folder of cargo's in which the executable was built, if it is still there.
fn build_folder(executable: &Path) -> Option<&Path> {
    let mut folder = executable.parent()?;
    if folder.file_name().is_some_and(|name| name == "deps") {
        folder = folder.parent()?;
    }
    // One of the two above, for a folder may be named for its target: target/TRIPLE/release.
    let above = [folder.parent(), folder.parent().and_then(Path::parent)];
    let is_cargos = |above: &Path| above.join("CACHEDIR.TAG").is_file();
    let is_built = above.into_iter().flatten().any(is_cargos);
    (is_built && folder.join("deps").is_dir()).then_some(folder)
}

/// Where caches of this user go; relative paths in the variables are to be ignored.
fn user_caches() -> Option<PathBuf> {
    let of = |variable: &str| env::var_os(variable).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    if cfg!(windows) {
        return of("LOCALAPPDATA").filter(absolute);
    }
    let home = of("HOME").filter(absolute);
    if cfg!(target_os = "macos") {
        return Some(home?.join("Library/Caches"));
    }
    let set = of("XDG_CACHE_HOME").filter(absolute);
    set.or_else(|| Some(home?.join(".cache")))
}

/// The largest code that is kept or read, in bytes: several times what the largest wasm becomes.
pub const CODE_BYTES_MAX: usize = 256 << 20;

/// What may stay, all entries together; the oldest go first. So do entries of other versions, which
/// are read no more.
const FOLDER_BYTES_MAX: u64 = 512 << 20;
const ENTRIES_MAX: usize = 4096;

/// The header: the magic, which counts versions of this format, then the key, the length of the
/// code as a little-endian u64, and its SHA-256.
const MAGIC: [u8; 16] = *b"sim code, v. 1\n\0";
const HEADER_BYTES: usize = MAGIC.len() + 32 + 8 + 32;

/// How entries are named, and files that become entries.
const ENTRY_SUFFIX: &str = ".code";
const PART_SUFFIX: &str = ".code-part";

/// A folder of compiled code. Processes may share it: each entry appears whole.
#[derive(Clone, Debug)]
pub struct CodeCache {
    folder: PathBuf,
}

impl CodeCache {
    /// The cache in `folder`, which is made if need be, for its owner alone; `None` if that is
    /// impossible, or if somebody else owns it or may write there.
    pub fn open(folder: &Path) -> Option<CodeCache> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).ok()?;
        let data = fs::metadata(folder).ok()?;
        let folder = folder.to_path_buf();
        (data.is_dir() && is_ours_alone(&data)).then_some(CodeCache { folder })
    }

    /// The code that was kept by this key, if it is there, whole and ours.
    pub fn find(&self, key: Hash) -> Option<Vec<u8>> {
        let path = self.entry(key);
        // A pipe would keep us waiting when it is opened.
        let before = fs::symlink_metadata(&path).ok()?;
        if !before.is_file() {
            return None;
        }
        let file = File::open(&path).ok()?;
        let data = file.metadata().ok()?;
        let length = usize::try_from(data.len()).ok()?;
        let length = length.checked_sub(HEADER_BYTES)?;
        let is_entry = is_same(&before, &data) && is_ours_alone(&data);
        (is_entry && length <= CODE_BYTES_MAX).then_some(())?;
        read(file, key, length).ok()?
    }

    /// Keeps code by its key, if that can be done.
    pub fn keep(&self, key: Hash, code: &[u8]) {
        if code.len() <= CODE_BYTES_MAX && self.write(key, code).is_ok() {
            self.clear_away();
        }
    }

    /// Whole or not at all: written beside its place, then moved there.
    fn write(&self, key: Hash, code: &[u8]) -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        let mut part = builder.suffix(PART_SUFFIX).tempfile_in(&self.folder)?;
        part.write_all(&header(key, code.len(), Hash::of(code)))?;
        part.write_all(code)?;
        part.as_file().sync_all()?;
        part.persist(self.entry(key))?;
        Ok(())
    }

    fn entry(&self, key: Hash) -> PathBuf {
        let hex = key.to_string();
        let hex = hex.rsplit(':').next().unwrap_or_default();
        self.folder.join(format!("{hex}{ENTRY_SUFFIX}"))
    }

    /// Removes the oldest entries when there are too many. What is not ours by its name stays.
    fn clear_away(&self) {
        let mut entries = self.entries();
        entries.sort();
        let mut bytes: u64 = entries.iter().map(|(_, _, bytes)| bytes).sum();
        let mut count = entries.len();
        for (_, path, length) in entries {
            if bytes <= FOLDER_BYTES_MAX && count <= ENTRIES_MAX {
                break;
            }
            let _ = fs::remove_file(path);
            bytes = bytes.saturating_sub(length);
            count -= 1;
        }
    }

    /// What is here: when it was written, where it is, its length.
    fn entries(&self) -> Vec<(SystemTime, PathBuf, u64)> {
        let found = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let entry = |entry: fs::DirEntry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            let is_known = name.ends_with(ENTRY_SUFFIX) || name.ends_with(PART_SUFFIX);
            let data = is_known.then(|| entry.metadata().ok())??;
            Some((data.modified().ok()?, entry.path(), data.len()))
        };
        found.filter_map(entry).collect()
    }
}

/// The code of an entry, if it is what its header says.
fn read(mut file: File, key: Hash, length: usize) -> io::Result<Option<Vec<u8>>> {
    let mut found = [0; HEADER_BYTES];
    file.read_exact(&mut found)?;
    let mut code = Vec::new();
    code.try_reserve_exact(length)?;
    // No more than that, even if somebody makes it longer meanwhile.
    file.take(length as u64).read_to_end(&mut code)?;
    let is_whole = found == header(key, code.len(), Hash::of(&code));
    Ok(is_whole.then_some(code))
}

fn header(key: Hash, length: usize, hash: Hash) -> [u8; HEADER_BYTES] {
    let length = (length as u64).to_le_bytes();
    let parts: [&[u8]; 4] = [&MAGIC, key.as_bytes(), &length, hash.as_bytes()];
    let mut header = [0; HEADER_BYTES];
    let mut rest = &mut header[..];
    for part in parts {
        let (here, behind) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = behind;
    }
    header
}

/// Whether it is the user's own, and no other user may write to it.
#[cfg(unix)]
fn is_ours_alone(data: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    const OTHERS_WRITE: u32 = 0o022;
    data.uid() == nix::unistd::geteuid().as_raw() && data.mode() & OTHERS_WRITE == 0
}

#[cfg(not(unix))]
fn is_ours_alone(_data: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    b.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, b: &Metadata) -> bool {
    b.is_file()
}
