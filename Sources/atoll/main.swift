import Linux

let answer = await Task { @Loop in
  try? await Loop.sleep(.milliseconds(20))
  return 42
}.value
print(answer)
