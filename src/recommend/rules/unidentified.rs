//! No pattern: the consumer has to be identified first. A guessed role would be an outage.

use super::super::advice::{Advice, Case, Outcome};
use crate::attribution::Place;

/// What to find out, and where the search can start.
pub(crate) fn unidentified(case: &Case<'_>) -> Advice {
    let consumer = case.consumer;
    let addresses: Vec<&str> = consumer.addresses.keys().take(3).map(|a| &**a).collect();
    let mut advice = Advice::new(Outcome::Identify, &[]);
    advice.rule = "identify";
    advice.title = "Identify the consumer first";
    if !addresses.is_empty() {
        advice.steps.push(format!("find out whose addresses these are: {}", addresses.join(", ")));
    }
    advice.steps.push("ask the user's owner which program uses the key, and where it runs".to_owned());
    if consumer.places.contains(&Place::Public) {
        let text = "give the providers' IP range files as inputs: they tell clouds and runners apart";
        advice.steps.push(text.to_owned());
    }
    match (consumer.rival, consumer.signals.len()) {
        (Some(kind), 1) => advice.caveats.push(format!("one weak signal only, for: {}", kind.title())),
        (Some(kind), _) => {
            advice.caveats.push(format!("signals for several kinds balance, {} among them", kind.title()));
        }
        (None, _) => {}
    }
    advice
}
