//! Servers that die at random moments while bird migrates, as if the power had failed, and come
//! back.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::kill::{Disturb, Ended, Engine, OFTEN, Project, Soak, Trail};

/// Kills the server.
pub struct KillServer {
    script: String,
}

impl KillServer {
    pub fn of(engine: Engine) -> Result<KillServer> {
        let script = engine.variable("_CRASH")?;
        Ok(KillServer { script })
    }

    fn start(&self) -> Result<Child> {
        let child = Command::new(&self.script)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        child.context("the server's script does not start")
    }
}

impl Disturb for KillServer {
    const MORTAL: bool = true;

    fn disturb(&mut self, soak: &mut Soak, project: &Project, trail: &mut Trail) -> Result<Ended> {
        let wait = ["migrate", "--format", "json", "--wait", "60s"];
        let mut bird = soak.stand.start(&wait)?;
        let mut number = 0;
        loop {
            let moment = soak.random.part_of(project.takes);
            std::thread::sleep(moment);
            number += 1;
            if number > OFTEN || bird.has_ended()? {
                trail
                    .steps
                    .push(format!("came to its end, before {moment:?}"));
                return bird.finish();
            }
            let mut server = self.start()?;
            soak.tally.kills += 1;
            let step = format!(
                "the server was killed after {moment:?} of {:?}",
                project.takes
            );
            trail.steps.push(step);
            let ended = bird.finish()?;
            // Half of the runs are there before the server is.
            let early = soak.random.once_in(2);
            let next = if early && ended.code != Some(0) {
                Some(soak.stand.start(&wait)?)
            } else {
                None
            };
            if !server.wait()?.success() {
                bail!("the server does not come back");
            }
            soak.stand.reopen()?;
            match ended.code {
                // It was through already.
                Some(0) => return Ok(ended),
                Some(2 | 4) => {}
                _ => return Ok(ended),
            }
            bird = match next {
                Some(next) => next,
                None => {
                    let intents = soak.stand.intents()?;
                    soak.tally.intents += intents;
                    trail.intents = intents;
                    soak.stand.start(&wait)?
                }
            };
        }
    }
}
