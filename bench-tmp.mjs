import * as tf from '@tensorflow/tfjs-core';
import {useBackend, linear, linearTransposed} from './dist/custom-ops/index.js';
await useBackend('wasm');
function time(f, n=7){ const t=[]; for(let i=0;i<n;i++){const a=performance.now(); tf.tidy(f); t.push(performance.now()-a);} t.sort((a,b)=>a-b); return t[n>>1]; }
const shapes = process.argv[2]==='all' ? [[512,512,512],[2048,64,36],[2048,64,256],[4096,128,512],[8192,64,64],[8192,128,256],[32768,64,128],[32768,128,512]] : [[512,512,512],[4096,128,256],[8192,64,36]];
for (const [M,D,E] of shapes){
  const x=tf.randomNormal([1,M,D]), w=tf.randomNormal([D,E]), wt=tf.transpose(w), x2=x.reshape([M,D]), g=tf.randomNormal([1,M,E]), g2=g.reshape([M,E]);
  const gf=2*M*D*E/1e6;
  const a=time(()=>linear(x,w)), b=time(()=>tf.matMul(x2,w)), at=time(()=>linearTransposed(x,wt));
  const gr=tf.grads((x,w)=>linear(x,w)); const c=time(()=>gr([x,w],g));
  const d=time(()=>tf.matMul(g2,w,false,true),3), e=time(()=>tf.matMul(x2,g2,true,false),3);
  console.log([M,D,E].join('x'), `fwd ${(gf/a).toFixed(1)} (tf ${(gf/b).toFixed(1)}), transposed ${(gf/at).toFixed(1)}; fwd+bwd ${(3*gf/c).toFixed(1)}; tf gradX ${(gf/d).toFixed(1)} gradW ${(gf/e).toFixed(1)} GFLOP/s; grad speedup ${((d+e)/(c-a)).toFixed(1)}x`);
  tf.dispose([x,w,wt,x2,g,g2]);
}
