//! Where two schemas are compared, and where what the diff says is tried.

mod shelf;

use std::fmt::Write as _;

use bird::db::session::DbError;
use bird::db::shadow::Shadow;
use bird::dialect::Dialect;
use bird::dialect::catalog::Place;
use bird::diff::diff;
use bird::model::change::{Ddl, Difference, nothing_like};
use bird::model::schema::Schema;
use bird::sql::script::words;
use bird::sql::split::split;
use tokio::runtime::Runtime;

use super::witness;
use crate::world::Engine;
use shelf::Shelf;

pub struct Laboratory {
    pub engine: Engine,
    dialect: &'static dyn Dialect,
    shelf: Shelf,
    runtime: Runtime,
}

/// Two schemas as SQL.
pub struct Pair<'p> {
    pub from: &'p str,
    pub to: &'p str,
    /// Fills the first one.
    pub rows: Option<&'p str>,
    /// A query that answers the same before and after.
    pub kept: Option<&'p str>,
}

/// What came of it.
pub struct Proof {
    /// What the diff says, as a script.
    pub sql: String,
    pub faults: Vec<String>,
}

impl Laboratory {
    pub fn new(engine: Engine) -> Laboratory {
        let shelf = Shelf::new(engine);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Laboratory {
            engine,
            dialect: shelf.dialect,
            shelf,
            runtime,
        }
    }

    /// Proves the laws of a diff on one pair.
    pub fn prove(&self, pair: &Pair<'_>) -> Proof {
        self.runtime.block_on(self.proof(pair))
    }

    async fn proof(&self, pair: &Pair<'_>) -> Proof {
        let mut faults = Vec::new();
        let result = match self.shelf.take().await {
            Ok(mut shadows) => {
                let result = self.laws(pair, &mut shadows, &mut faults).await;
                self.shelf.put_back(shadows);
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
        let wanted = witness::told(self.engine, to).await;
        let (difference, ddl) = self.ddl(to, &old, &new);
        let sql = self.told(&difference, &ddl);
        // What leads there, from a database with rows in it.
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
            let witness = witness::compare(&witness::told(self.engine, from).await, &wanted);
            faults.extend(witness.map(|told| format!("the engine tells: {told}\n{sql}")));
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
        let witness = witness::compare(&witness::told(self.engine, fresh).await, &wanted);
        faults.extend(witness.map(|told| format!("recreated, the engine tells: {told}\n{script}")));
        Ok(sql)
    }

    /// Runs statements as `migrate` does: with foreign keys off where a table is dropped or
    /// rebuilt, and in one transaction where that holds a schema.
    async fn send(&self, shadow: &mut Shadow, sql: &str, what: &str) -> Result<(), String> {
        let statements = split(self.dialect.lexis(), sql)
            .map_err(|fault| format!("{what} cannot be split: {}\n{sql}", fault.message))?;
        let texts: Vec<&str> = statements.into_iter().map(|one| &sql[one.range]).collect();
        let embedded = self.dialect.facts().is_embedded();
        let rebuilds = texts.iter().any(|text| {
            let words: Vec<&str> = words(self.dialect.lexis(), text).collect();
            !self.dialect.rebuilt_tables(&words).is_empty()
        });
        let told = |error: DbError| format!("{what}: {}\nin:\n{sql}", error.told());
        let session = &mut shadow.session;
        if embedded {
            let enforce = format!("PRAGMA foreign_keys = {}", !rebuilds);
            session.run(&enforce).await.map_err(told)?;
            session.run("BEGIN").await.map_err(told)?;
        }
        for text in texts {
            let sent = session.run(text).await;
            sent.map_err(|error| format!("{what}: {}\n{text}\nin:\n{sql}", error.told()))?;
        }
        if embedded {
            session.run("COMMIT").await.map_err(told)?;
            let enforce = "PRAGMA foreign_keys = true";
            session.run(enforce).await.map_err(told)?;
        }
        Ok(())
    }

    async fn asked(&self, shadow: &mut Shadow, kept: Option<&str>) -> Result<String, String> {
        let Some(query) = kept else {
            return Ok(String::new());
        };
        let rows = shadow.session.rows(query.trim()).await;
        Ok(format!("{:?}", rows.map_err(|error| error.told())?))
    }

    fn ddl(&self, at: &Shadow, old: &Schema, new: &Schema) -> (Difference, Ddl) {
        let catalog = self.dialect.catalog();
        let difference = diff(old, new, catalog.orders_columns());
        let place = Place {
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
    fn told(&self, difference: &Difference, ddl: &Ddl) -> String {
        let mut told = if ddl.steps.is_empty() {
            String::new()
        } else {
            self.dialect.catalog().script(&ddl.steps)
        };
        for unsupported in &ddl.unsupported {
            let _ = writeln!(
                told,
                "-- not possible: {}: {}",
                unsupported.about, unsupported.why
            );
        }
        if told.is_empty() && !difference.is_empty() {
            let _ = writeln!(told, "-- nothing is said about {:?}", difference.changes);
        }
        told
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        self.runtime.block_on(self.shelf.clear());
    }
}

async fn inspected(shadow: &mut Shadow) -> Result<Schema, String> {
    let schema = shadow.inspect().await;
    schema.map_err(|error: DbError| format!("inspecting: {}", error.told()))
}
