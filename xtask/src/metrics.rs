use clap::Args;
#[derive(Args)]
pub struct Metrics {}
impl Metrics {
    pub fn run(self, _: &std::path::Path) -> crate::Result<()> {
        Ok(())
    }
}
