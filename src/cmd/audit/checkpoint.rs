//! Opens the checkpoint of an audit: in the state directory, else in a temporary folder.

use std::io;
use std::path::{Path, PathBuf};

use super::args::Args;
use super::errors;
use crate::cmd::context::Context;
use crate::db::audit::checkpoint::Checkpoint;
use crate::db::clock::now;
use crate::model::diagnostic::Failure;
use crate::project::{key_of_run, own_key};

/// The folder of audits in the state directory.
const FOLDER: &str = "audit";

/// A checkpoint, and the temporary folder that it lies in, if it does.
pub struct OpenCheckpoint {
    pub checkpoint: Checkpoint,
    pub temporary: Option<TemporaryFolder>,
}

/// A folder that is removed with its content when this is dropped.
pub struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What stays is removed by whoever empties the folder of temporary files.
        let _: io::Result<()> = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens the checkpoint. An audit that resumes nothing can do without the state directory.
pub fn open(context: &Context, args: &Args, fingerprint: &str) -> Result<OpenCheckpoint, Failure> {
    let run = context.run.to_string();
    let key = own_key().unwrap_or_else(key_of_run);
    let open =
        |folder: &Path| Checkpoint::open(folder, fingerprint, &run, &key, args.resume, now());
    let state = &context.project.state;
    let error = match state.create(FOLDER).and_then(|folder| open(&folder)) {
        Ok(checkpoint) => {
            if checkpoint.is_distrusted {
                context.progress.notice(
                    "the audit starts anew: this user did not write what an earlier run has left, \
                     or it was changed",
                );
            }
            return Ok(OpenCheckpoint {
                checkpoint,
                temporary: None,
            });
        }
        Err(error) => error,
    };
    let folder = state.join(FOLDER);
    if args.resume {
        return Err(errors::cannot_keep(&folder, &error));
    }
    let temporary = std::env::temp_dir().join(format!("bird-{run}"));
    let created = create_private(&temporary);
    created.map_err(|error| errors::cannot_keep(&temporary, &error))?;
    let guard = TemporaryFolder(temporary.clone());
    let checkpoint = open(&temporary);
    let checkpoint = checkpoint.map_err(|error| errors::cannot_keep(&temporary, &error))?;
    context.progress.notice(&format!(
        "cannot write {}: {error}; without it this audit cannot be resumed (--state-dir names \
         another folder)",
        context.project.shown(&folder)
    ));
    Ok(OpenCheckpoint {
        checkpoint,
        temporary: Some(guard),
    })
}

/// Creates a folder that only this user can read.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
