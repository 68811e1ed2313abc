//! Files: only regular ones are read, and no more of one than is asked for; what is written is
//! whole or not there.
//!
//! Names of files come from people and from folders of strangers. A pipe would make its reader
//! wait, a device has no end. Never says what is in a file.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Reads a whole file.
///
/// # Errors
/// Of the kind `FileTooLarge` if it has more than `most_bytes`, of the kind `InvalidInput` if it is
/// not a regular file, and whatever the system says.
pub fn read_at_most(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    drained(open(path)?, most_bytes)
}

/// As [`read_at_most`], of a file that must be UTF-8.
///
/// # Errors
/// As [`read_at_most`], and of the kind `InvalidData` if the file is not UTF-8.
pub fn read_text_at_most(path: &Path, most_bytes: u64) -> io::Result<String> {
    utf8(read_at_most(path, most_bytes)?)
}

/// The first bytes of a file, at most so many.
///
/// # Errors
/// As [`read_at_most`], but for the size.
pub fn head(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What standard input has until its end, which must be UTF-8.
///
/// # Errors
/// As [`read_text_at_most`].
pub fn read_standard_input(most_bytes: u64) -> io::Result<String> {
    utf8(drained(io::stdin().lock(), most_bytes)?)
}

/// Writes a file by atomic rename: a reader finds what was there, or the new content, whole. Of a
/// link, the file that it leads to is written; the permissions of a file that was there are kept.
///
/// # Errors
/// Of the kind `InvalidInput` if something is there that is not a regular file, and whatever the
/// system says.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let (path, before) = target(path)?;
    let folder = folder_of(&path);
    let file = temporary_with(folder, content)?;
    if let Some(before) = before {
        fs::set_permissions(file.path(), before.permissions())?;
    }
    file.persist(&path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Whether [`replace`] could write there: to be known before much is done for the sake of it.
///
/// # Errors
/// As [`replace`].
pub fn probe(path: &Path) -> io::Result<()> {
    let (path, _) = target(path)?;
    temporary_with(folder_of(&path), &[]).map(drop)
}

/// How files begin that are being written.
const TEMPORARY: &str = ".sim-";
/// How they end.
const TEMPORARY_END: &str = ".tmp";

/// A new file with some content, on disk, which goes away unless it is kept under another name.
/// Others may read it too, unlike what is merely temporary. It is locked while it lives, which
/// tells it from one that a killed process left: see [`remove_abandoned`].
pub fn temporary_with(folder: &Path, content: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY).suffix(TEMPORARY_END);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the user's mask takes away is taken away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = loop {
        // The error of a name that is made up would say it.
        let file = builder.tempfile_in(folder);
        let file = file.map_err(|error| io::Error::from(error.kind()))?;
        match file.as_file().try_lock() {
            // Somebody took it for abandoned, before it was locked.
            Err(fs::TryLockError::WouldBlock) => {}
            Ok(()) if !file.path().exists() => {}
            // Where files cannot be locked nothing is ever taken for abandoned.
            Ok(()) | Err(fs::TryLockError::Error(_)) => break file,
        }
    };
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes a name last that a file in the folder was given, should the machine lose power.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    let _ = folder;
    Ok(())
}

/// Removes what was being written into a folder when a process was killed: its lock is
/// free.
pub fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(TEMPORARY) && name.ends_with(TEMPORARY_END));
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let is_free = File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_free {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The names in a folder that `wanted` says yes to, as paths in order.
///
/// # Errors
/// If there are more than [`MOST_LISTED`], and whatever the system says.
pub fn list(folder: &Path, wanted: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    list_at_most(folder, MOST_LISTED, wanted)
}

/// As [`list`], with a bound of its own.
///
/// # Errors
/// As [`list`].
pub fn list_at_most(
    folder: &Path,
    most: usize,
    wanted: impl Fn(&Path) -> bool,
) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if wanted(&path) {
            paths.push(path);
        }
        if paths.len() > most {
            return Err(io::Error::other(format!(
                "it has more than {most} files, the most that are read of a folder"
            )));
        }
    }
    paths.sort();
    Ok(paths)
}

/// The most files of a folder that [`list`] gives.
pub const MOST_LISTED: usize = 100_000;

/// Opens a regular file to read it. What else there may be is not even opened, and if it has come
/// between the look and the opening, it is not waited for.
fn open(path: &Path) -> io::Result<File> {
    regular(&fs::metadata(path)?)?;
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Where a path leads to, if to a regular file, and what is known of that.
fn target(path: &Path) -> io::Result<(PathBuf, Option<Metadata>)> {
    match fs::metadata(path) {
        Ok(metadata) => {
            regular(&metadata)?;
            Ok((fs::canonicalize(path)?, Some(metadata)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path.to_owned(), None)),
        Err(error) => Err(error),
    }
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = kind(metadata.file_type());
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("it is {what}, expected a regular file"),
    ))
}

fn kind(of: FileType) -> &'static str {
    if of.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if of.is_fifo() {
            return "a pipe";
        }
        if of.is_socket() {
            return "a socket";
        }
        if of.is_block_device() || of.is_char_device() {
            return "a device";
        }
    }
    "something else"
}

/// One byte more than allowed tells what is too large from what just fits, without trusting what
/// the file system says the size is.
fn drained(from: impl Read, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!(
                "it is larger than {}, the most that is read",
                size(most_bytes)
            ),
        ));
    }
    Ok(bytes)
}

fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    match bytes.is_multiple_of(MIB) {
        true => format!("{} MiB", bytes / MIB),
        false => format!("{bytes} bytes"),
    }
}

fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("expected UTF-8 text, and byte {place} is not"),
        )
    })
}
