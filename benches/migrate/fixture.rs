//! The project that is migrated: tables of eight columns with an index, every fifth file an
//! `ALTER TABLE`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::race::BIRD;
use crate::race::engine::{Engine, Family};
use crate::race::measure::Job;

const FAMILIES: [(Family, &str); 3] = [
    (Family::MySql, "mysql"),
    (Family::Postgres, "postgres"),
    (Family::Sqlite, "sqlite"),
];

pub struct Project {
    folder: PathBuf,
    databases: Vec<&'static str>,
    pub count: usize,
}

impl Project {
    /// Writes a project whose databases all have the same migrations, and the same SQL in one
    /// piece for the clients.
    pub fn write(
        within: &Path,
        name: &str,
        count: usize,
        databases: &[&'static str],
    ) -> Result<Self> {
        let folder = within.join(name);
        let mut config = String::new();
        for database in databases {
            // The variable that `bird` below gets overrides the URL.
            writeln!(config, "[databases.{database}]\nurl = \"sqlite:none.db\"")?;
            writeln!(config, "migrations = \"migrations\"\n")?;
        }
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("bird.toml"), config)?;
        let databases = databases.to_vec();
        let project = Project {
            folder,
            databases,
            count,
        };
        for (family, engine) in FAMILIES {
            let migrations = project.folder.join("migrations").join(engine);
            std::fs::create_dir_all(&migrations)?;
            let (mut bare, mut transactions) = (String::new(), String::new());
            for number in 1..=count {
                let (name, text) = migration(number, family);
                std::fs::write(migrations.join(format!("V{number}__{name}.sql")), &text)?;
                bare.push_str(&text);
                write!(transactions, "BEGIN;\n{text}COMMIT;\n")?;
            }
            std::fs::write(project.sql(family, false), bare)?;
            std::fs::write(project.sql(family, true), transactions)?;
        }
        Ok(project)
    }

    /// Its migrations, one text each.
    pub fn statements(&self, family: Family) -> Vec<String> {
        let texts = (1..=self.count).map(|number| migration(number, family).1);
        texts.collect()
    }

    /// A file of this project for something else.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The file for the client; with `transactions`, each migration stands in one.
    pub fn sql(&self, family: Family, transactions: bool) -> PathBuf {
        let what = if transactions { "transactions" } else { "bare" };
        self.folder.join(format!("{family:?}-{what}.sql"))
    }

    pub fn bird(&self, engine: &Engine, command: &str) -> Job {
        let job = Job::new(BIRD).args([command]).folder(&self.folder);
        let config = self.folder.join("bird.toml").display().to_string();
        // Whatever the caller's environment says, this project is meant.
        let job = job.variable("BIRD_CONFIG", config);
        self.databases.iter().fold(job, |job, database| {
            let variable = format!("BIRD_{}_URL", database.to_ascii_uppercase());
            job.variable(variable, engine.url(database))
        })
    }
}

fn migration(number: usize, family: Family) -> (String, String) {
    if number.is_multiple_of(5) {
        let table = format!("table_{}", number - 1);
        let text = format!("ALTER TABLE {table} ADD COLUMN remark VARCHAR(100);\n");
        return (format!("alter_{table}"), text);
    }
    let table = format!("table_{number}");
    let index = format!("{table}_owner");
    // Each engine's own way: inside the statement, or after it.
    let (inside, after) = match family {
        Family::MySql => (format!(",\n  INDEX {index} (owner_id)"), String::new()),
        _ => {
            let after = format!("CREATE INDEX {index} ON {table} (owner_id);\n");
            (String::new(), after)
        }
    };
    let text = format!(
        "CREATE TABLE {table} (\n  \
           id BIGINT NOT NULL PRIMARY KEY,\n  \
           owner_id BIGINT NOT NULL,\n  \
           name VARCHAR(100) NOT NULL,\n  \
           email VARCHAR(255),\n  \
           state INT NOT NULL DEFAULT 0,\n  \
           amount DECIMAL(12, 2),\n  \
           note TEXT,\n  \
           created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP{inside}\n\
         );\n{after}"
    );
    (format!("create_{table}"), text)
}
