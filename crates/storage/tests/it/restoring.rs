//! A restore removes nothing that is not its own, and ends with a complete store.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hookgate_storage::{BackupError, Database, OpenMode, Restoring, ServerLock, backup_file, verify_file};
use tempfile::TempDir;

const STAGED: &str = ".hookgate-restore";

/// A backup of an empty store, in a directory that lives as long as the backup.
async fn backup() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("store");
    let database = Database::open(&store, OpenMode::Create).unwrap();
    let file = directory.path().join("backup.db");
    backup_file(&store, &file).unwrap();
    database.close().await;
    (directory, file)
}

fn restore(file: &Path, to: &Path) -> Result<(), BackupError> {
    Restoring::begin(File::open(file).unwrap(), file, to)?.publish()
}

#[tokio::test]
async fn what_a_person_made_stays() {
    let (_kept, file) = backup().await;
    let to = TempDir::new().unwrap();
    let theirs = ["restoring", STAGED].map(|name| to.path().join(name).join("hookgate.db"));
    for path in &theirs {
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    let refused = restore(&file, to.path());
    assert!(
        matches!(&refused, Err(BackupError::IsThere { path }) if path.ends_with(STAGED)),
        "{refused:?}"
    );
    for path in &theirs {
        assert_eq!(fs::read_to_string(path).unwrap(), "mine");
    }
    fs::remove_dir_all(to.path().join(STAGED)).unwrap();
    restore(&file, to.path()).unwrap();
    assert_eq!(fs::read_to_string(&theirs[0]).unwrap(), "mine");
    verify_file(&to.path().join("hookgate.db")).unwrap();
}

#[tokio::test]
async fn what_a_killed_restore_left_is_replaced() {
    let (_kept, file) = backup().await;
    for with_marker in [true, false] {
        let to = TempDir::new().unwrap();
        let left = to.path().join(STAGED);
        fs::create_dir(&left).unwrap();
        if with_marker {
            fs::write(left.join("made-by-hookgate-restore"), "").unwrap();
            fs::write(left.join("hookgate.db"), "half").unwrap();
            fs::write(left.join("hookgate.db-wal"), "half").unwrap();
        }
        restore(&file, to.path()).unwrap();
        assert!(!left.exists());
        verify_file(&to.path().join("hookgate.db")).unwrap();
    }
}

#[tokio::test]
async fn a_part_of_a_store_refuses_a_restore() {
    let (_kept, file) = backup().await;
    for part in [
        "hookgate.db",
        "hookgate.db-wal",
        "hookgate.db-shm",
        "hookgate.db-journal",
    ] {
        let to = TempDir::new().unwrap();
        let path = to.path().join(part);
        fs::write(&path, "left").unwrap();
        let refused = restore(&file, to.path());
        assert!(
            matches!(&refused, Err(BackupError::IsThere { path: named }) if *named == path),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "left");
        // Such a file may also appear while the backup is read.
        fs::remove_file(&path).unwrap();
        let restoring = Restoring::begin(File::open(&file).unwrap(), &file, to.path()).unwrap();
        fs::write(&path, "left").unwrap();
        assert!(matches!(restoring.publish(), Err(BackupError::IsThere { .. })));
    }
}

#[tokio::test]
async fn a_server_and_a_restore_exclude_each_other() {
    let (_kept, file) = backup().await;
    let to = TempDir::new().unwrap();
    let lock = ServerLock::acquire(to.path()).unwrap();
    assert!(matches!(restore(&file, to.path()), Err(BackupError::Locked(_))));
    drop(lock);
    let restoring = Restoring::begin(File::open(&file).unwrap(), &file, to.path()).unwrap();
    assert!(ServerLock::acquire(to.path()).is_err());
    restoring.publish().unwrap();
    assert!(ServerLock::acquire(to.path()).is_ok());
}
