//! Proves a diff on a running engine: two schemas are made in scratch databases and compared, and
//! what the diff says is run there.

mod scratch;

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use bird::db::session::DbError;
use bird::db::shadow::Shadow;
use bird::dialect::Dialect;
use bird::dialect::catalog::SchemaLocation;
use bird::diff::diff;
use bird::model::change::{Ddl, Difference, nothing_like};
use bird::model::schema::Schema;
use bird::sql::script::words;
use bird::sql::split::split;
use tokio::runtime::Runtime;

use super::dump;
use crate::world::Engine;
use scratch::Scratch;

/// Two schemas as SQL.
pub struct Pair<'p> {
    pub from: &'p str,
    pub to: &'p str,
    /// Fills the first one.
    pub rows: Option<&'p str>,
    /// A query with the same answer before and after.
    pub kept: Option<&'p str>,
}

/// The result of a proof.
pub struct Proof {
    /// What the diff says, as a script.
    pub sql: String,
    pub faults: Vec<String>,
}

/// Proves diffs on an engine, in databases that it keeps from one proof to the next.
struct Prover {
    engine: Engine,
    dialect: &'static dyn Dialect,
    scratch: Scratch,
    runtime: Runtime,
}

/// The provers that no test uses at the moment. There come to be as many of an engine as there are
/// tests at once.
static IDLE: Mutex<Vec<Prover>> = Mutex::new(Vec::new());

fn idle() -> std::sync::MutexGuard<'static, Vec<Prover>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Proves the laws of a diff on one pair.
pub fn prove(engine: Engine, pair: &Pair<'_>) -> Proof {
    let found = {
        let mut idle = idle();
        let at = idle.iter().position(|prover| prover.engine == engine);
        at.map(|at| idle.swap_remove(at))
    };
    let prover = found.unwrap_or_else(|| Prover::new(engine));
    let proof = prover.runtime.block_on(prover.prove(pair));
    idle().push(prover);
    proof
}

/// Removes the databases of all provers.
pub fn remove_databases() {
    let provers = std::mem::take(&mut *idle());
    drop(provers);
}

impl Prover {
    fn new(engine: Engine) -> Prover {
        let scratch = Scratch::new(engine);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Prover {
            engine,
            dialect: scratch.dialect,
            scratch,
            runtime,
        }
    }

    async fn prove(&self, pair: &Pair<'_>) -> Proof {
        let mut faults = Vec::new();
        let result = match self.scratch.take().await {
            Ok(mut shadows) => {
                let result = self.laws(pair, &mut shadows, &mut faults).await;
                self.scratch.put_back(shadows);
                result
            }
            Err(fault) => Err(fault),
        };
        let sql = result.unwrap_or_else(|fault| {
            faults.push(fault);
            String::new()
        });
        Proof { sql, faults }
    }

    async fn laws(
        &self,
        pair: &Pair<'_>,
        [from, to, fresh]: &mut [Shadow; 3],
        faults: &mut Vec<String>,
    ) -> Result<String, String> {
        self.send(from, pair.from, "from").await?;
        let old = inspected(from).await?;
        self.send(to, pair.to, "to").await?;
        let new = inspected(to).await?;
        let again = inspected(to).await?;
        if let Some(differs) = self.differs(&again, &new) {
            faults.push(format!("a schema differs from itself: {differs}"));
        }
        let wanted = dump::dump(self.engine, to).await;
        let (difference, ddl) = self.ddl(to, &old, &new);
        let sql = self.script(&difference, &ddl);
        // The diff, run in a database with rows in it.
        if ddl.unsupported.is_empty() {
            if let Some(rows) = pair.rows {
                self.send(from, rows, "rows").await?;
            }
            let before = self.asked(from, pair.kept).await?;
            let script = self.dialect.catalog().script(&ddl.steps);
            self.send(from, &script, "the diff").await?;
            let reached = inspected(from).await?;
            if let Some(differs) = self.differs(&reached, &new) {
                faults.push(format!("the diff leads elsewhere: {differs}\n{sql}"));
            }
            let after = self.asked(from, pair.kept).await?;
            if before != after {
                faults.push(format!("rows were lost: {before} became {after}\n{sql}"));
            }
            let differs = dump::compare(&dump::dump(self.engine, from).await, &wanted);
            faults.extend(differs.map(|how| format!("the engine's dump differs: {how}\n{sql}")));
        }
        // What recreates it, and first the settings of its database.
        let nothing = inspected(fresh).await?;
        let (_, settings) = self.ddl(to, &nothing, &nothing_like(&new));
        let script = self.dialect.catalog().script(&settings.steps);
        self.send(fresh, &script, "the settings").await?;
        let (_, ddl) = self.ddl(to, &nothing_like(&new), &new);
        for unsupported in &ddl.unsupported {
            faults.push(format!("cannot be recreated: {unsupported:?}"));
        }
        let script = self.dialect.catalog().script(&ddl.steps);
        self.send(fresh, &script, "recreating").await?;
        let recreated = inspected(fresh).await?;
        if let Some(differs) = self.differs(&recreated, &new) {
            faults.push(format!("what recreates it does not: {differs}\n{script}"));
        }
        // Grants are given back to what had them, and are no part of what recreates a schema.
        let mut dumps = [dump::dump(self.engine, fresh).await, wanted];
        for dump in &mut dumps {
            let grants = ["GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES "];
            dump.retain(|text| !grants.iter().any(|words| text.starts_with(words)));
        }
        let differs = dump::compare(&dumps[0], &dumps[1]);
        faults.extend(
            differs.map(|how| format!("recreated, the engine's dump differs: {how}\n{script}")),
        );
        Ok(sql)
    }

    /// Runs statements as `migrate` does: with foreign keys off where a table is dropped or
    /// rebuilt, and in one transaction where that holds a schema.
    async fn send(&self, shadow: &mut Shadow, sql: &str, what: &str) -> Result<(), String> {
        let statements = split(self.dialect.syntax(), sql)
            .map_err(|fault| format!("{what} cannot be split: {}\n{sql}", fault.message))?;
        let texts: Vec<&str> = statements.into_iter().map(|one| &sql[one.range]).collect();
        let embedded = self.dialect.facts().is_embedded();
        let rebuilds = texts.iter().any(|text| {
            let words: Vec<&str> = words(self.dialect.syntax(), text).collect();
            !self.dialect.rebuilt_tables(&words).is_empty()
        });
        let output = |error: DbError| format!("{what}: {}\nin:\n{sql}", error);
        let session = &mut shadow.session;
        if embedded {
            let enforce = format!("PRAGMA foreign_keys = {}", !rebuilds);
            session.run(&enforce).await.map_err(output)?;
            session.run("BEGIN").await.map_err(output)?;
        }
        for text in texts {
            let sent = session.run(text).await;
            sent.map_err(|error| format!("{what}: {}\n{text}\nin:\n{sql}", error))?;
        }
        if embedded {
            session.run("COMMIT").await.map_err(output)?;
            let enforce = "PRAGMA foreign_keys = true";
            session.run(enforce).await.map_err(output)?;
        }
        Ok(())
    }

    async fn asked(&self, shadow: &mut Shadow, kept: Option<&str>) -> Result<String, String> {
        let Some(query) = kept else {
            return Ok(String::new());
        };
        let rows = shadow.session.rows(query.trim()).await;
        Ok(format!("{:?}", rows.map_err(|error| error.to_string())?))
    }

    fn ddl(&self, at: &Shadow, old: &Schema, new: &Schema) -> (Difference, Ddl) {
        let catalog = self.dialect.catalog();
        let difference = diff(old, new, catalog.orders_columns());
        let place = SchemaLocation {
            server: &at.session.server,
            database: &at.database,
            schema: at.session.schema.as_deref(),
        };
        let ddl = catalog.write(&place, &difference, old, new);
        (difference, ddl)
    }

    fn differs(&self, old: &Schema, new: &Schema) -> Option<String> {
        let difference = diff(old, new, self.dialect.catalog().orders_columns());
        (!difference.is_empty()).then(|| format!("{:#?}", difference.changes))
    }

    /// The script as a case shows it, with what cannot be done.
    fn script(&self, difference: &Difference, ddl: &Ddl) -> String {
        let mut script = if ddl.steps.is_empty() {
            String::new()
        } else {
            self.dialect.catalog().script(&ddl.steps)
        };
        for unsupported in &ddl.unsupported {
            let (about, why) = (&unsupported.about, &unsupported.why);
            let _ = writeln!(script, "-- not possible: {about}: {why}");
        }
        if script.is_empty() && !difference.is_empty() {
            let _ = writeln!(script, "-- nothing is said about {:?}", difference.changes);
        }
        script
    }
}

impl Drop for Prover {
    fn drop(&mut self) {
        self.runtime.block_on(self.scratch.clear());
    }
}

async fn inspected(shadow: &mut Shadow) -> Result<Schema, String> {
    let schema = shadow.inspect().await;
    schema.map_err(|error: DbError| format!("inspecting: {}", error))
}
