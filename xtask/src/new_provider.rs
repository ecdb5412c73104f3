use clap::Args;
#[derive(Args)]
pub struct NewProvider {}
impl NewProvider {
    pub fn run(self, _: &std::path::Path) -> crate::Result<()> {
        Ok(())
    }
}
