# Looks at a Windows that is to become a lab image of kind `disk`, says what is missing, and with -Apply mends what
# it can. Run in an elevated Windows PowerShell 5.1, from the directory that `lab image prepare` wrote.
#   .\prepare.ps1             look only
#   .\prepare.ps1 -Apply      mend, then look again
# Prints a table and the recipe for images\NAME.yaml; writes prepare.json. Exit code: 0 ready, 1 something required is
# missing, 2 not run as administrator.
param([switch]$Apply, [string]$Report = (Join-Path $PSScriptRoot 'prepare.json'))
$ErrorActionPreference = 'Stop'
$principal = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    Write-Output 'prepare: this must run as administrator'
    exit 2
}
$settings = Get-Content -Raw -Encoding UTF8 (Join-Path $PSScriptRoot 'settings.json') | ConvertFrom-Json
$publicKey = (Get-Content -Raw (Join-Path $PSScriptRoot 'lab.pub')).Trim()
$ssh = "$env:ProgramData\ssh"

function Get-Start([string]$name) {
    $service = Get-ItemProperty "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -ErrorAction SilentlyContinue
    if ($service) { $service.Start } else { -1 }
}

function Test-Service([string]$name) {
    $service = Get-CimInstance Win32_Service -Filter "Name='$name'"
    $service -and $service.StartMode -eq 'Auto'
}

function Set-Private([string]$path) {
    # S-1-5-18 is SYSTEM, S-1-5-32-544 Administrators, in every language; sshd refuses wider rights.
    & icacls.exe $path /inheritance:r /grant '*S-1-5-18:F' /grant '*S-1-5-32-544:F' | Out-Null
}

function Get-WrongSetting {
    foreach ($one in $settings) {
        $key = $one.key -replace '^HKLM\\', 'HKLM:\'
        $value = (Get-ItemProperty $key -ErrorAction SilentlyContinue).($one.name)
        if ("$(@($value) -join "`n")" -ne $one.value) { $one }
    }
}

$checks = @(
    @{ name = 'virtio disk driver starts at boot'; required = $true
       test = { (Get-Start 'viostor') -eq 0 }
       remedy = 'attach a virtio disk once, install viostor from virtio-win, restart' }
    @{ name = 'virtio serial driver'; required = $true
       test = { (Get-Start 'VirtioSerial') -ge 0 -or (Get-Start 'vioserial') -ge 0 }
       remedy = 'install vioserial from virtio-win' }
    @{ name = 'virtio network driver'; required = $false
       test = { (Get-Start 'netkvm') -ge 0 }
       remedy = 'install NetKVM from virtio-win, or use a profile with nic: e1000e' }
    @{ name = 'QEMU guest agent starts by itself'; required = $true
       test = { Test-Service 'QEMU-GA' }
       fix = { Set-Service QEMU-GA -StartupType Automatic }
       remedy = 'install guest-agent\qemu-ga-x86_64.msi from virtio-win' }
    @{ name = 'SSH server starts by itself'; required = $false
       test = { Test-Service 'sshd' }
       fix = { Set-Service sshd -StartupType Automatic }
       remedy = 'install OpenSSH-Win64.msi of Win32-OpenSSH; without it leave ssh out of channels' }
    @{ name = 'SSH takes the key of the lab'; required = $false
       test = { (Test-Path "$ssh\administrators_authorized_keys") -and ((Get-Content "$ssh\administrators_authorized_keys") -contains $publicKey) }
       fix = { if (Test-Path $ssh) { Add-Content "$ssh\administrators_authorized_keys" $publicKey; Set-Private "$ssh\administrators_authorized_keys" } }
       remedy = 'put lab.pub into %ProgramData%\ssh\administrators_authorized_keys' }
    @{ name = 'SSH has an ed25519 host key'; required = $false
       test = { Test-Path "$ssh\ssh_host_ed25519_key.pub" }
       remedy = 'start the sshd service once' }
    @{ name = 'WinRM listens on HTTPS'; required = $false
       test = { @(Get-ChildItem WSMan:\localhost\Listener -ErrorAction SilentlyContinue | Where-Object { $_.Keys -contains 'Transport=HTTPS' }).Count -gt 0 }
       remedy = 'winrm quickconfig -transport:https, with a certificate' }
    @{ name = 'crash, update and power settings'; required = $true
       test = { @(Get-WrongSetting).Count -eq 0 }
       fix = { foreach ($one in @(Get-WrongSetting)) { & reg.exe add $one.key /v $one.name /t $one.kind /d $one.value /f | Out-Null } }
       remedy = 'prepare.ps1 -Apply sets them; prepare.json lists those that differ' }
    @{ name = 'no repair page after a crash'; required = $true
       test = { (& bcdedit.exe /enum '{default}' | Out-String) -match 'IgnoreAllFailures' }
       fix = { & bcdedit.exe /set '{default}' bootstatuspolicy ignoreallfailures | Out-Null }
       remedy = 'bcdedit /set {default} bootstatuspolicy ignoreallfailures' }
    @{ name = 'no hibernation'; required = $true
       test = { -not (Test-Path "$env:SystemDrive\hiberfil.sys") }
       fix = { & powercfg.exe /hibernate off }
       remedy = 'powercfg /hibernate off' }
    @{ name = 'system drive is not encrypted'; required = $true
       test = {
           $volume = Get-CimInstance -Namespace root\cimv2\Security\MicrosoftVolumeEncryption -ClassName Win32_EncryptableVolume -Filter "DriveLetter='$env:SystemDrive'" -ErrorAction SilentlyContinue
           -not $volume -or $volume.ProtectionStatus -eq 0
       }
       remedy = 'manage-bde -off C:, and wait for its end' }
    @{ name = 'no restart is pending'; required = $true
       test = { -not (Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending') }
       remedy = 'restart Windows' }
)

$rows = foreach ($check in $checks) {
    $trouble = ''
    $good = try { [bool](& $check.test) } catch { $trouble = $_.Exception.Message; $false }
    if (-not $good -and $Apply -and $check.fix) {
        try { & $check.fix | Out-Null; $good = [bool](& $check.test) } catch { $trouble = $_.Exception.Message }
    }
    $remedy = if ($good) { '' } else { $check.remedy }
    [ordered]@{ name = $check.name; required = $check.required; ok = $good; remedy = $remedy; trouble = $trouble }
}
$missing = @($rows | Where-Object { -not $_.ok -and $_.required })
$version = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$kernel = "$($version.CurrentBuildNumber).$($version.UBR)"
$hostKey = if (Test-Path "$ssh\ssh_host_ed25519_key.pub") { (Get-Content -Raw "$ssh\ssh_host_ed25519_key.pub").Trim() } else { '' }
$answer = [ordered]@{
    schema = 1; ready = ($missing.Count -eq 0); build = $kernel; product = $version.ProductName; checks = @($rows)
    differing = @(Get-WrongSetting | ForEach-Object { "$($_.key)|$($_.name)" }); ssh_host_key = $hostKey
}
[IO.File]::WriteAllText($Report, ($answer | ConvertTo-Json -Depth 5), (New-Object Text.UTF8Encoding $false))
foreach ($row in $rows) {
    $mark = if ($row.ok) { 'ok      ' } elseif ($row.required) { 'MISSING ' } else { 'without ' }
    Write-Output "$mark $($row.name)"
    if (-not $row.ok) { Write-Output "          $($row.remedy)" }
    if ($row.trouble) { Write-Output "          $($row.trouble)" }
}
$sshOk = @($rows | Where-Object { $_.name -like 'SSH*' -and -not $_.ok }).Count -eq 0
Write-Output ''
if ($missing.Count) { Write-Output "prepare: not ready: $($missing.Count) missing (the whole answer is in $Report)"; exit 1 }
$channels = if ($sshOk -and $hostKey) { '[agent, ssh]' } else { '[agent]' }
Write-Output 'prepare: ready. Shut down, then describe the disk in images/NAME.yaml:'
Write-Output 'kind: disk', "summary: $($version.ProductName)", "release: $($version.ProductName)", "kernel: `"$kernel`""
Write-Output 'family: windows', 'path: FILE.vhdx', 'sha256: ...', "firmware: $(if ($env:firmware_type -eq 'Legacy') { 'bios' } else { 'uefi' })"
Write-Output "channels: $channels", "user: $env:USERNAME", 'min_memory: 4GiB'
if ($sshOk -and $hostKey) { Write-Output "host_key: $hostKey" }
exit 0
