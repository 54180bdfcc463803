# Builds the sidecar and packs it for Windows, as package-sink.sh does for any system:
#   powershell -ExecutionPolicy Bypass -File scripts/package-windows.ps1 [-Target win32-x64] [-Configuration Release|Debug]
#     [-PortAudio FILE] [-OutDir DIR] [-SkipBuild]
param(
  [string]$Target = "win32-x64",
  [ValidateSet("Release", "Debug")][string]$Configuration = "Release",
  [string]$PortAudio = "",
  [string]$OutDir = ".",
  [switch]$SkipBuild
)
$ErrorActionPreference = "Stop"
$root = Split-Path -Parent $PSScriptRoot
if (-not $SkipBuild) {
  node (Join-Path $root "scripts/build.mjs")
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}
# A backslash at the end would take the closing quote with it when the path has a space.
$out = $OutDir -replace '\\$', '\.'
$arguments = @("package", "sink", "--target", $Target, "--configuration", $Configuration.ToLowerInvariant(), "--out", $out)
if ($PortAudio -ne "") { $arguments += @("--portaudio", $PortAudio) }
if ($SkipBuild) { $arguments += "--skip-build" }
node (Join-Path $root "dist/cli.js") @arguments
exit $LASTEXITCODE
