//! Loads schemas from their sources. A pool owns the shadows in which files are replayed and removes
//! them on every path.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache::{self, Replayed};
use super::expected::{self, Applied, RecordedSchema, Text, Texts};
use super::results::{Replay, ReplayResult, ReplayResults};
use super::siblings::{self, Place, Step};
use super::{Loaded, Origin, Source, SourceKind, Upto, usage};
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::cmd::run::siblings::leave_out;
use crate::db::inspect;
use crate::db::replay;
use crate::db::session::{Access, DbError};
use crate::db::shadow::{Shadow, ShadowBase};
use crate::dialect;
use crate::dialect::ErrorKind;
use crate::dialect::containment;
use crate::invariant;
use crate::model::change::Renamed;
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::target::Target;
use crate::project::{Database, LARGE, read_text};
use crate::sql::script;

/// The shadows of a run.
pub struct ShadowPool<'c> {
    pub context: &'c Context,
    shadows: Vec<Option<Shadow>>,
    /// The shadows in which statements may have run since the replay.
    claimed: BTreeSet<usize>,
    results: ReplayResults,
}

/// Runs work with a pool of shadows, and removes them however the work ends.
pub async fn with<'c, T>(
    context: &'c Context,
    work: impl AsyncFnOnce(&mut ShadowPool<'c>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut pool = ShadowPool {
        context,
        shadows: Vec::new(),
        claimed: BTreeSet::new(),
        results: ReplayResults::default(),
    };
    // Boxed, because it is large, and part of every command that may need a shadow.
    let result = context.stop.race(Box::pin(work(&mut pool))).await;
    for shadow in pool.shadows.into_iter().flatten() {
        remove(context, shadow).await;
    }
    result.unwrap_or_else(|exit| {
        let fault = Diagnostic::new(Code::Interrupted, "interrupted; nothing was changed");
        Err(Failure {
            exit,
            diagnostics: vec![fault],
        })
    })
}

async fn remove(context: &Context, shadow: Shadow) {
    let name = shadow.database.clone();
    if let Err(error) = shadow.remove().await {
        let error = error.to_string();
        context.progress.notice(&format!(
            "could not remove the scratch database {name}: {error}"
        ));
    }
}

fn cannot(database: &Database, doing: &str, error: &DbError) -> Failure {
    Failure::failed(open::cannot_ask(database, doing, error))
}

/// Reads the schema of a live database.
pub async fn live(
    context: &Context,
    label: &str,
    database: &Database,
    wait: Option<Duration>,
) -> Result<Loaded, Failure> {
    if open::is_absent_file(database) {
        let missing = DbError::new(ErrorKind::MissingDatabase, "there is no such file");
        return Err(Failure::failed(open::cannot_open(database, &missing)));
    }
    let opened = open::session(context, database, Access::ReadOnly, wait).await;
    let mut session =
        opened.map_err(|error| Failure::failed(open::cannot_open(database, &error)))?;
    let schema = inspect::schema(&mut session, database.target.database()).await;
    let server = session.server.clone();
    session.close().await;
    let mut schema = schema.map_err(|error| cannot(database, "reading its schema", &error))?;
    leave_out(context, database, &mut schema);
    Ok(Loaded {
        label: label.to_owned(),
        base: database.clone(),
        schema,
        server,
        origin: Origin::Live,
        renames: Vec::new(),
        notes: Vec::new(),
        not_sent: Vec::new(),
        shadow: None,
    })
}

impl RecordedSchema {
    /// The schema that a run recorded.
    pub fn loaded(mut self, context: &Context, label: &str, base: &Database) -> Loaded {
        leave_out(context, base, &mut self.schema);
        Loaded {
            label: label.to_owned(),
            base: base.clone(),
            schema: self.schema,
            server: self.server,
            origin: Origin::Record(self.recorder),
            renames: Vec::new(),
            notes: Vec::new(),
            not_sent: Vec::new(),
            shadow: None,
        }
    }
}

impl ShadowPool<'_> {
    /// Loads a schema from a source; a file is replayed with the engine and server of `base`.
    pub async fn load(
        &mut self,
        source: &Source,
        base: &Database,
        wait: Option<Duration>,
    ) -> Result<Loaded, Failure> {
        let context = self.context;
        let texts: Texts = match &source.kind {
            SourceKind::Live(database) => {
                return live(context, &source.label, database, wait).await;
            }
            SourceKind::Migrations(_, Upto::Applied) => {
                match expected::applied(context, base).await? {
                    Applied::Recorded(recorded) => {
                        return Ok(recorded.loaded(context, &source.label, base));
                    }
                    Applied::Files(texts) => texts,
                }
            }
            SourceKind::Migrations(_, upto) => expected::migrations(context, base, *upto).await?,
            SourceKind::Desired(database) => {
                let Some(path) = &database.desired else {
                    let message = format!("`{}` has no desired schema", source.label);
                    return Err(usage(message, "set `schema` of the database in bird.toml"));
                };
                read(&own(path, base, &source.label)?, context)?.into()
            }
            SourceKind::Path(path) => read(path, context)?.into(),
        };
        let Texts { texts, unknown } = texts;
        let cached = matches!(source.kind, SourceKind::Migrations(..));
        let mut loaded = self.replay(&source.label, base, &texts, cached).await?;
        loaded.notes.extend(unknown.iter().map(|version| {
            let message = format!(
                "{}: V{version} is applied, but it has no file, and its text is not kept",
                base.name
            );
            Diagnostic::new(Code::NotReplayable, message)
                .note("the schema of the files lacks its effect")
        }));
        for text in &texts {
            // The replay has reported a file that cannot be parsed.
            if let Ok(script) = script::read(base.dialect.syntax(), &text.sql) {
                let renames = script.renames.into_iter();
                loaded.renames.extend(renames.map(|rename| Renamed {
                    from: rename.from,
                    to: rename.to,
                }));
            }
        }
        Ok(loaded)
    }

    /// Takes from the replayed migrations what a server upgrade alone has changed in a record: a part
    /// that the live schema and a replay on the same server agree about is no drift.
    pub async fn excuse_upgrade(
        &mut self,
        live: &mut Loaded,
        recorded: &mut Loaded,
    ) -> Result<(), Failure> {
        live.align(recorded);
        let upgraded =
            matches!(&recorded.origin, Origin::Record(recorder) if recorder.other_server.is_some());
        if !upgraded || live.schema == recorded.schema {
            return Ok(());
        }
        let files = Source::migrations(&recorded.base, Upto::AppliedFiles);
        let base = recorded.base.clone();
        let mut files = self.load(&files, &base, None).await?;
        live.align(&mut files);
        let (live, files) = (&live.schema, &files.schema);
        for table in &mut recorded.schema.tables {
            let (is, given) = (live.table(&table.name), files.table(&table.name));
            if let (Some(is), true) = (is, is == given) {
                table.clone_from(is);
            }
        }
        for object in &mut recorded.schema.objects {
            let id = object.id();
            let (is, given) = (live.object(&id), files.object(&id));
            if let (Some(is), true) = (is, is == given) {
                object.clone_from(is);
            }
        }
        Ok(())
    }

    /// Replays texts in a shadow, or takes their schema from the cache.
    pub async fn replay(
        &mut self,
        label: &str,
        base: &Database,
        texts: &[Text],
        cached: bool,
    ) -> Result<Loaded, Failure> {
        let steps = siblings::steps(self.context, base, texts);
        let mut loaded = self.replay_steps(label, base, &steps, cached).await?;
        leave_out(self.context, base, &mut loaded.schema);
        // The indexes of steps become those of texts.
        let own = steps.iter().enumerate();
        let own = own.filter(|(_, step)| step.place == Place::Own);
        let own: Vec<usize> = own.map(|(at, _)| at).collect();
        let not_sent = loaded.not_sent.into_iter();
        let not_sent = not_sent.filter_map(|(at, not_sent)| {
            let at = own.iter().position(|own| *own == at)?;
            Some((at, not_sent))
        });
        loaded.not_sent = not_sent.collect();
        Ok(loaded)
    }

    /// As [`ShadowPool::replay`], with texts of siblings among those of the database.
    pub async fn replay_steps(
        &mut self,
        label: &str,
        base: &Database,
        steps: &[Step],
        cached: bool,
    ) -> Result<Loaded, Failure> {
        let replay = Replay::of(base, steps);
        let result = match self.results.get(&replay) {
            Some(result) => result,
            None => {
                let result = self.result(base, steps, cached).await?;
                self.results.add(replay, result)
            }
        };
        Ok(Loaded {
            label: label.to_owned(),
            base: base.clone(),
            schema: result.replayed.schema.clone(),
            server: result.server.clone(),
            origin: Origin::Files,
            renames: Vec::new(),
            notes: notes(base, steps, &result.replayed),
            not_sent: result.replayed.kept.clone(),
            shadow: result.shadow.filter(|at| !self.claimed.contains(at)),
        })
    }

    /// Reads the result of a replay from the cache, or replays the texts in a shadow.
    async fn result(
        &mut self,
        base: &Database,
        steps: &[Step],
        cached: bool,
    ) -> Result<ReplayResult, Failure> {
        let context = self.context;
        let key = if cached {
            cache::key(context, base, steps).await
        } else {
            None
        };
        if let Some((key, server)) = &key
            && let Some(replayed) = cache::read(context, key)
        {
            return Ok(ReplayResult {
                replayed,
                server: server.clone(),
                shadow: None,
            });
        }
        let at = self.shadow(base).await?;
        let shadow = self.shadows.get_mut(at).and_then(Option::as_mut);
        let shadow = invariant!(
            shadow,
            some,
            "a shadow that was just created is in the pool"
        );
        context.progress.count(steps.len(), "files replayed");
        let mut replayed = Replayed::default();
        let enter = |error: DbError| cannot(base, "preparing its shadow", &error);
        for (at, step) in steps.iter().enumerate() {
            let text = &step.text;
            context.progress.advance(0, &text.name);
            let schema = match &step.place {
                Place::Schema(schema) => Some(schema.as_str()),
                Place::Own | Place::Beside(..) => base.schema.as_deref(),
            };
            shadow.enter(schema).await.map_err(enter)?;
            let kept = match &step.place {
                Place::Beside(name, _) => {
                    siblings::replay_beside(context, shadow, name, text).await?
                }
                Place::Own | Place::Schema(_) => {
                    replay::statements(shadow, &text.name, &text.sql).await?
                }
            };
            context.progress.advance(1, &text.name);
            if !kept.is_empty() {
                replayed.kept.push((at, kept));
            }
        }
        context.progress.finish();
        shadow.enter(base.schema.as_deref()).await.map_err(enter)?;
        let server = shadow.session.server.clone();
        let schema = shadow.inspect().await;
        replayed.schema = schema
            .map_err(|error| cannot(base, "reading the schema of a scratch database", &error))?;
        // Somebody may have given access that no file knows of.
        replayed.schema.access.0.is_live = false;
        if !steps.is_empty() {
            let files = counted(steps.len(), "file");
            let detail = format!("{}: replayed {files} in a scratch database", base.name);
            context.progress.detail(&detail);
        }
        if let Some((key, _)) = key {
            cache::write(context, &key, &mut replayed);
        }
        Ok(ReplayResult {
            replayed,
            server,
            shadow: Some(at),
        })
    }

    /// Creates an empty shadow with the defaults of a database, and gives its index.
    pub async fn shadow(&mut self, base: &Database) -> Result<usize, Failure> {
        let own_extensions = self.own_extensions(base);
        let on = ShadowBase {
            target: &base.target,
            dialect: base.dialect,
            schema: base.schema.as_deref(),
            collation: base.collation.as_deref(),
            own_extensions: &own_extensions,
        };
        let made = match &base.shadow {
            None => Shadow::create(on).await,
            Some(borrowed) => {
                self.give_back(borrowed).await;
                Shadow::borrow(on, borrowed).await
            }
        };
        let shadow = made.map_err(|error| cannot(base, "creating a scratch database", &error))?;
        self.shadows.push(Some(shadow));
        Ok(self.shadows.len() - 1)
    }

    /// The extensions that the migrations of a database create.
    fn own_extensions(&self, base: &Database) -> Vec<String> {
        let project = &self.context.project;
        if base.dialect.extensions_query().is_none() || project.database(&base.name).is_none() {
            return Vec::new();
        }
        let syntax = base.dialect.syntax();
        let files = project.read_migrations_of(base).unwrap_or_default();
        let texts = files
            .iter()
            .filter(|file| file.text.to_lowercase().contains("extension"));
        let mut names = Vec::new();
        for text in texts.map(|file| &file.text) {
            let Ok(script) = script::read(syntax, text) else {
                continue;
            };
            let statements = script.statements.iter();
            let statements = statements.filter_map(|it| text.get(it.range.clone()));
            names.extend(statements.filter_map(|sql| containment::extension(base.dialect, sql)));
        }
        names
    }

    /// Removes the shadow in a borrowed database, which can be only one shadow at a time.
    async fn give_back(&mut self, borrowed: &Target) {
        for place in &mut self.shadows {
            let it = |shadow: &mut Shadow| {
                shadow.is_borrowed() && shadow.database == borrowed.database()
            };
            if let Some(shadow) = place.take_if(it) {
                remove(self.context, shadow).await;
            }
        }
    }

    /// Claims the shadow of a replay for other statements; false if it was removed for another one, or
    /// if others have claimed it.
    pub fn claim(&mut self, at: usize) -> bool {
        self.at(at).is_some() && self.claimed.insert(at)
    }

    /// Removes the shadows that nobody can claim any more.
    pub async fn remove_claimed(&mut self) {
        for at in &self.claimed {
            if let Some(shadow) = self.shadows.get_mut(*at).and_then(Option::take) {
                remove(self.context, shadow).await;
            }
        }
    }

    /// The shadow at an index; `None` if it was removed for another one.
    pub fn at(&mut self, at: usize) -> Option<&mut Shadow> {
        self.shadows.get_mut(at)?.as_mut()
    }
}

/// The file of this engine if a folder has one file per engine, else the path itself.
fn own(path: &Path, base: &Database, label: &str) -> Result<PathBuf, Failure> {
    let engine = base.dialect.facts().name;
    let file = |engine: &str| path.join(format!("{engine}.sql"));
    if file(engine).is_file() {
        return Ok(file(engine));
    }
    let others = dialect::names();
    match others.iter().find(|other| file(other).is_file()) {
        None => Ok(path.to_path_buf()),
        Some(other) => {
            let message = format!("`{label}` has no file for {engine}, only for {other}");
            Err(usage(message, format!("write {}", file(engine).display())))
        }
    }
}

/// Notes about the statements that were not replayed.
fn notes(base: &Database, steps: &[Step], replayed: &Replayed) -> Vec<Diagnostic> {
    let notes = replayed.kept.iter().filter_map(|(at, kept)| {
        let text = &steps.get(*at)?.text;
        Some(replay::diagnose(base.dialect, &text.name, &text.sql, kept))
    });
    notes.flatten().collect()
}

/// Reads a file, or the files of a folder in order.
fn read(path: &Path, context: &Context) -> Result<Vec<Text>, Failure> {
    let fault = |path: &Path, reason: std::io::Error| {
        let message = format!("cannot read {}: {reason}", path.display());
        Failure::failed(Diagnostic::new(Code::Source, message))
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(|reason| fault(path, reason))? {
            let found = entry.map_err(|reason| fault(path, reason))?.path();
            let name = found
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.ends_with(".sql") && !name.ends_with(".undo.sql") {
                paths.push(found);
            }
        }
        paths.sort_by_key(|path| order(path));
        if paths.is_empty() {
            return Err(usage(
                format!("there is no .sql file in {}", path.display()),
                "name a file, or a folder with .sql files in it",
            ));
        }
    } else {
        paths.push(path.to_path_buf());
    }
    let texts = paths.into_iter().map(|path| {
        let sql = read_text(&path, LARGE).map_err(|reason| fault(&path, reason))?;
        Ok(Text {
            name: context.project.shown(&path),
            sql: sql.strip_prefix('\u{feff}').unwrap_or(&sql).into(),
        })
    });
    texts.collect()
}

/// The sort key of a file: migrations by version, other files by name.
fn order(path: &Path) -> (i64, String) {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let digits = name
        .strip_prefix('V')
        .and_then(|rest| rest.split_once("__"));
    let version = digits.and_then(|(version, _)| version.parse().ok());
    (version.unwrap_or(i64::MAX), name)
}
